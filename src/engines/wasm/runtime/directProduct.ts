/**
 * Products too small, too narrow or too flat to pay for packing: rows of A are read where they lie, and those of B too, if they are contiguous.
 * Columns that don't fill a tile, and a B that lies the other way, are packed one panel at a time. The bits are those of the packed product.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { head, source, SOURCE_A, SOURCE_B } from "./arguments.ts";
import { tileColumns, tileRowBytes, type Element } from "./element.ts";
import { advance, loaded, smaller, whileBelow } from "./emit.ts";
import { DIRECT_ROWS } from "./microKernel.ts";
import { pushSource } from "./lines.ts";
import { operandPointers, slotOf, SUM_BLOCK, type Parts } from "./packedProduct.ts";

/** The rows and columns of a unit: sets locals to the first ones and to the ends. */
export function unitBounds(
  f: FunctionBuilder,
  args: Local,
  unit: Local,
  index: Local,
  [row0, row1, column0, column1]: readonly Local[],
): void {
  const part = f.local("i32");
  const perMatrix = loaded(f, args, head.batchUnits);
  const across = loaded(f, args, head.columnUnits);
  f.get(unit).get(perMatrix).op("i32.div_u").set(index);
  f.get(unit).get(perMatrix).op("i32.rem_u").set(part);
  const bounds = (number: () => void, size: number, limit: number, from: Local, to: Local): void => {
    number();
    f.get(args).mem("i32.load", size).op("i32.mul").set(from);
    smaller(
      f,
      () => f.get(from).get(args).mem("i32.load", size).op("i32.add"),
      () => f.get(args).mem("i32.load", limit),
    ).set(to);
  };
  bounds(() => f.get(part).get(across).op("i32.div_u"), head.rowBlock, head.rows, row0, row1);
  bounds(() => f.get(part).get(across).op("i32.rem_u"), head.columnBlock, head.columns, column0, column1);
}

/** (args, start, end) */
export function directProduct(module: ModuleBuilder, el: Element, parts: Omit<Parts, "packA">): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const [index, row0, row1, column0, column1, a, b, c] = [i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()];
  const [i, j, k, kn, length, adds, slot, panel] = [i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()];
  const [pb, bStep, wide, pc] = [i32(), i32(), i32(), i32()];
  const width = tileColumns(el);
  const field = (src: number, name: keyof typeof source): Local => loaded(f, args, src + source[name]);
  const [rowStep, aStep, cRow] = [field(SOURCE_A, "step2"), field(SOURCE_A, "featureStep"), field(SOURCE_A, "out2")];
  const [columnStep, bRow, cColumn] = [
    field(SOURCE_B, "step2"),
    field(SOURCE_B, "featureStep"),
    field(SOURCE_B, "out2"),
  ];
  const sum = loaded(f, args, head.sum);
  const unpacked = loaded(f, args, head.unpackedB);
  slotOf(f, args, unit, end, slot);
  const part = (name: keyof typeof head): Local => {
    const x = i32();
    f.get(args).mem("i32.load", head[name]).get(slot).op("i32.add").set(x);
    return x;
  };
  const [rowOffsets, columnOffsets, packedB] = [part("rowOffsets"), part("columnOffsets"), part("packedB")];
  const list = (at: Local, step: Local, n: number): void => {
    for (let r = 0; r < n; r++)
      f.get(at)
        .get(step)
        .i32(r)
        .op("i32.mul")
        .mem("i32.store", 4 * r);
  };
  list(rowOffsets, cRow, DIRECT_ROWS);
  list(columnOffsets, cColumn, width);

  whileBelow(f, unit, end, () => {
    unitBounds(f, args, unit, index, [row0, row1, column0, column1]);
    operandPointers(f, args, index, [a, b, c]);
    f.i32(0).set(k);
    f.loop((again) => {
      smaller(
        f,
        () => f.get(k).i32(SUM_BLOCK).op("i32.add"),
        () => f.get(sum),
      ).set(kn);
      f.get(kn).get(k).op("i32.sub").set(length);
      f.get(k).i32(0).op("i32.ne").get(args).mem("i32.load", head.accumulate).op("i32.or").set(adds);
      f.get(column0).set(j);
      whileBelow(f, j, column1, () => {
        smaller(
          f,
          () => f.i32(width),
          () => f.get(column1).get(j).op("i32.sub"),
        ).set(wide);
        f.get(unpacked).get(wide).i32(width).op("i32.eq", "i32.and");
        f.if(
          () => {
            f.get(b).get(j).get(columnStep).op("i32.mul", "i32.add").get(k).get(bRow).op("i32.mul", "i32.add").set(pb);
            f.get(bRow).set(bStep);
          },
          () => {
            pushSource(f, args, SOURCE_B).set(panel);
            f.get(args).get(panel).get(b).get(j).get(column1).get(k).get(kn).get(packedB).call(parts.packB);
            f.get(packedB).set(pb).i32(tileRowBytes(el)).set(bStep);
          },
        );
        f.get(row0).set(i);
        f.get(c).get(j).get(cColumn).op("i32.mul", "i32.add").get(row0).get(cRow).op("i32.mul", "i32.add").set(pc);
        whileBelow(f, i, row1, () => {
          rowTile();
          advance(f, i, DIRECT_ROWS);
          f.get(pc).get(cRow).i32(DIRECT_ROWS).op("i32.mul", "i32.add").set(pc);
        });
        advance(f, j, width);
      });
      f.get(kn).tee(k).get(sum).op("i32.lt_s").brIf(again);
    });
    advance(f, unit, 1);
  });

  function rowTile(): void {
    const ak = i32();
    const operands = (): void => {
      f.get(a).get(k).get(aStep).op("i32.mul", "i32.add").set(ak);
      for (let r = 0; r < DIRECT_ROWS; r++) {
        f.get(ak);
        smaller(
          f,
          () => f.get(i).i32(r).op("i32.add"),
          () => f.get(row1).i32(1).op("i32.sub"),
        );
        f.get(rowStep).op("i32.mul", "i32.add");
      }
      f.get(aStep).get(pb).get(bStep).get(length);
    };
    f.get(wide).i32(width).op("i32.eq").get(cColumn).i32(el.bytes).op("i32.eq", "i32.and");
    f.get(row1).get(i).op("i32.sub").i32(DIRECT_ROWS).op("i32.ge_s", "i32.and");
    f.if(
      () => {
        operands();
        f.get(pc).get(cRow).get(adds).call(parts.tile);
      },
      () => {
        operands();
        f.get(slot).i32(tileRowBytes(el)).i32(0).call(parts.tile);
        f.get(slot);
        smaller(
          f,
          () => f.get(row1).get(i).op("i32.sub"),
          () => f.i32(DIRECT_ROWS),
        );
        f.get(wide).get(rowOffsets).get(columnOffsets).get(pc).get(adds).call(parts.scatter);
      },
    );
  }
  return f;
}
