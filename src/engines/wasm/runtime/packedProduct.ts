/**
 * The product of two packed operands, in the loops of Goto's algorithm: columns in blocks that fit the last cache, k in blocks of 256, rows in
 * blocks that fit the second cache, tiles inside. Matrix products and convolutions differ only in how their operands are packed.
 *
 * The k blocks are part of the contract: within one, products are added in the order of k, and the sums of blocks are added in their order. All
 * other sizes may change without a change of bits.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import { head, SOURCE_A, SOURCE_B } from "./arguments.ts";
import { tileColumns, tileRowBytes, type Element } from "./element.ts";
import { advance, loaded, repeat, smaller, whileBelow } from "./emit.ts";
import { pushSource, UNEVEN } from "./lines.ts";

/** Length of a block along k. */
export const SUM_BLOCK = 256;
/** Rows and columns that are packed at a time. */
export const ROW_BLOCK = 192;
export const COLUMN_BLOCK = 2048;

export interface Parts {
  readonly tile: Callable;
  readonly scatter: Callable;
  readonly packA: Callable;
  readonly packB: Callable;
  readonly offsets: Callable;
  readonly steps: Callable;
}

/** Loads the operands' pointers for matrix `index` of the batch into a, b and c. */
export function operandPointers(f: FunctionBuilder, args: Local, index: Local, [a, b, c]: readonly Local[]): void {
  const [outer, inner] = [f.local("i32"), f.local("i32")];
  const inners = loaded(f, args, head.innerBatch);
  f.get(index).get(inners).op("i32.div_u").set(outer);
  f.get(index).get(inners).op("i32.rem_u").set(inner);
  const moved = (to: Local, outerStep: number, innerStep: number): void => {
    f.get(outer).get(args).mem("i32.load", outerStep).op("i32.mul", "i32.add");
    f.get(inner).get(args).mem("i32.load", innerStep).op("i32.mul", "i32.add").set(to);
  };
  const swapped = loaded(f, args, head.swapped);
  const pick = (yes: number, no: number): void => {
    f.get(args).mem("i32.load", yes).get(args).mem("i32.load", no).get(swapped).op("select");
  };
  pick(head.rhs, head.lhs);
  moved(a, head.aOuter, head.aInner);
  pick(head.lhs, head.rhs);
  moved(b, head.bOuter, head.bInner);
  f.get(args).mem("i32.load", head.out);
  moved(c, head.outOuter, head.outInner);
}

/** Sets `to` to the workspace of the slot that unit `start` belongs to. An empty range has none, and the routine returns. */
export function slotOf(f: FunctionBuilder, args: Local, start: Local, end: Local, to: Local): void {
  f.get(start).get(end).op("i32.ge_s");
  f.if(() => f.op("return"));
  f.get(start).get(args).mem("i32.load", head.slotUnits).op("i32.div_u");
  f.get(args).mem("i32.load", head.slotBytes).op("i32.mul");
  f.get(args).mem("i32.load", head.workspace).op("i32.add").set(to);
}

/** (args, start, end) */
export function packedProduct(module: ModuleBuilder, el: Element, parts: Parts): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const [index, first, row0, row1, a, b, c] = [i32(), i32(), i32(), i32(), i32(), i32(), i32()];
  const [j, jn, k, kn, i, n, adds, slot, panel, to] = [
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
  ];
  slotOf(f, args, unit, end, slot);
  const [rows, columns, sum] = [loaded(f, args, head.rows), loaded(f, args, head.columns), loaded(f, args, head.sum)];
  const [rowBlock, perMatrix] = [loaded(f, args, head.rowBlock), loaded(f, args, head.batchUnits)];
  const part = (name: keyof typeof head): Local => {
    const x = i32();
    f.get(args).mem("i32.load", head[name]).get(slot).op("i32.add").set(x);
    return x;
  };
  const rowOffsets = part("rowOffsets");
  const rowSteps = part("rowSteps");
  const columnOffsets = part("columnOffsets");
  const columnSteps = part("columnSteps");
  const [packedA, packedB] = [part("packedA"), part("packedB")];
  const width = tileColumns(el);

  /** Packs all panels of a block. */
  const packBlock = (
    src: number,
    pack: Callable,
    operand: Local,
    lines: number,
    from: Local,
    count: Local,
    dst: Local,
  ): void => {
    const [r, stop] = [i32(), i32()];
    f.get(from).set(r).get(from).get(count).op("i32.add").set(stop).get(dst).set(to);
    whileBelow(f, r, stop, () => {
      pushSource(f, args, src).set(panel);
      f.get(args).get(panel).get(operand).get(r).get(stop).get(k).get(kn).get(to).call(pack);
      f.get(kn)
        .get(k)
        .op("i32.sub")
        .i32(lines * el.bytes)
        .op("i32.mul")
        .get(to)
        .op("i32.add")
        .set(to);
      advance(f, r, lines);
    });
  };
  const listBlock = (src: number, from: Local, count: Local, lines: number, offsets: Local, steps: Local): void => {
    f.get(args);
    pushSource(f, args, src).get(from).get(count).get(offsets).call(parts.offsets);
    f.get(offsets).get(count).i32(lines).get(steps).call(parts.steps);
  };
  const blockEnd = (from: Local, size: number, limit: Local, to: Local): void => {
    smaller(
      f,
      () => f.get(from).i32(size).op("i32.add"),
      () => f.get(limit),
    ).set(to);
  };

  whileBelow(f, unit, end, () => {
    f.get(unit).get(perMatrix).op("i32.div_u").set(index);
    f.get(unit).get(perMatrix).op("i32.rem_u").set(first);
    operandPointers(f, args, index, [a, b, c]);
    f.get(first).get(rowBlock).op("i32.mul").set(row0);
    // Units of this matrix that are left in the range.
    smaller(
      f,
      () => f.get(perMatrix).get(first).op("i32.sub"),
      () => f.get(end).get(unit).op("i32.sub"),
    ).set(n);
    f.get(unit).get(n).op("i32.add").set(unit);
    smaller(
      f,
      () => f.get(first).get(n).op("i32.add").get(rowBlock).op("i32.mul"),
      () => f.get(rows),
    ).set(row1);
    f.i32(0).set(j);
    whileBelow(f, j, columns, () => {
      blockEnd(j, COLUMN_BLOCK, columns, jn);
      f.get(jn).get(j).op("i32.sub").set(n);
      listBlock(SOURCE_B, j, n, width, columnOffsets, columnSteps);
      f.i32(0).set(k);
      // At least once: an empty sum is zero.
      f.loop((again) => {
        blockEnd(k, SUM_BLOCK, sum, kn);
        f.get(jn).get(j).op("i32.sub").set(n);
        packBlock(SOURCE_B, parts.packB, b, width, j, n, packedB);
        f.get(k).i32(0).op("i32.ne").get(args).mem("i32.load", head.accumulate).op("i32.or").set(adds);
        f.get(row0).set(i);
        whileBelow(f, i, row1, () => {
          smaller(
            f,
            () => f.i32(ROW_BLOCK),
            () => f.get(row1).get(i).op("i32.sub"),
          ).set(n);
          packBlock(SOURCE_A, parts.packA, a, el.tileRows, i, n, packedA);
          listBlock(SOURCE_A, i, n, el.tileRows, rowOffsets, rowSteps);
          tiles(n);
          advance(f, i, ROW_BLOCK);
        });
        f.get(kn).tee(k).get(sum).op("i32.lt_s").brIf(again);
      });
      f.get(jn).set(j);
    });
  });

  /** All tiles of a block of `count` rows. */
  function tiles(count: Local): void {
    const [p, q, left, down, pa, pb, length] = [i32(), i32(), i32(), i32(), i32(), i32(), i32()];
    const [rowList, rowStep, columnList, columnStep] = [i32(), i32(), i32(), i32()];
    f.get(kn).get(k).op("i32.sub").set(length);
    f.get(jn).get(j).op("i32.sub").set(left);
    f.get(packedB).set(pb).get(columnOffsets).set(columnList).get(columnSteps).set(columnStep);
    f.get(left)
      .i32(width - 1)
      .op("i32.add")
      .i32(width)
      .op("i32.div_u")
      .set(q);
    repeat(f, q, () => {
      f.get(packedA).set(pa).get(rowOffsets).set(rowList).get(rowSteps).set(rowStep).get(count).set(down);
      f.get(count)
        .i32(el.tileRows - 1)
        .op("i32.add")
        .i32(el.tileRows)
        .op("i32.div_u")
        .set(p);
      repeat(f, p, () => {
        f.get(rowStep).mem("i32.load").i32(UNEVEN).op("i32.ne");
        f.get(columnStep).mem("i32.load").i32(el.bytes).op("i32.eq", "i32.and");
        f.if(
          () => {
            f.get(pa).get(pb).get(length);
            f.get(c).get(rowList).mem("i32.load").op("i32.add").get(columnList).mem("i32.load").op("i32.add");
            f.get(rowStep).mem("i32.load").get(adds).call(parts.tile);
          },
          () => {
            f.get(pa).get(pb).get(length).get(slot).i32(tileRowBytes(el)).i32(0).call(parts.tile);
            f.get(slot);
            smaller(
              f,
              () => f.get(down),
              () => f.i32(el.tileRows),
            );
            smaller(
              f,
              () => f.get(left),
              () => f.i32(width),
            );
            f.get(rowList).get(columnList).get(c).get(adds).call(parts.scatter);
          },
        );
        f.get(length)
          .i32(el.tileRows * el.bytes)
          .op("i32.mul")
          .get(pa)
          .op("i32.add")
          .set(pa);
        f.get(down).i32(el.tileRows).op("i32.sub").set(down);
        advance(f, rowList, 4 * el.tileRows);
        advance(f, rowStep, 4);
      });
      f.get(length).i32(tileRowBytes(el)).op("i32.mul").get(pb).op("i32.add").set(pb);
      f.get(left).i32(width).op("i32.sub").set(left);
      advance(f, columnList, 4 * width);
      advance(f, columnStep, 4);
    });
  }
  return f;
}
