/**
 * Convolutions whose groups have one output feature each (depthwise ones, and their gradients): a matrix product would have a single column for
 * each group. Where the groups' numbers lie side by side, sixteen groups at a time are summed in registers, in the order that all convolutions
 * have.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import { head, source, SOURCE_A, SOURCE_B } from "./arguments.ts";
import { multiplyAdd, type Element } from "./element.ts";
import { advance, advanceBy, loaded, repeat, smaller, whileBelow } from "./emit.ts";
import { digits, weighed } from "./lines.ts";
import { slotOf, SUM_BLOCK } from "./packedProduct.ts";

/** In a slot: zeros that padding is read from, then two words for each place of the window. */
export const DEPTHWISE_LIST = 64;

/** (args, start, end): units are blocks of places of the result. */
export function depthwise(module: ModuleBuilder, el: Element): Callable {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const [slot, row, stop, src, at, to, outer, last, list, n] = [
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
  const [rowBlock, rows, groups] = [
    loaded(f, args, head.rowBlock),
    loaded(f, args, head.rows),
    loaded(f, args, head.columns),
  ];
  const [lhs, rhs, out] = [loaded(f, args, head.lhs), loaded(f, args, head.rhs), loaded(f, args, head.out)];
  const places = loaded(f, args, head.sum);
  const part = (side: number, name: keyof typeof source): Local => loaded(f, args, side + source[name]);
  const features = part(SOURCE_A, "features");
  const [xStep, kStep] = [part(SOURCE_A, "featureStep"), part(SOURCE_B, "featureStep")];
  const [xBase, kBase] = [part(SOURCE_A, "base"), part(SOURCE_B, "base")];
  const lastPlaces = part(SOURCE_A, "lastPlaces");
  const table = (side: number, name: "outerTable" | "lastTable"): Local => {
    const x = part(side, name);
    advanceBy(f, x, args);
    return x;
  };
  const [outerTable, lastTable] = [table(SOURCE_A, "outerTable"), table(SOURCE_A, "lastTable")];
  const [kOuter, kLast] = [table(SOURCE_B, "outerTable"), table(SOURCE_B, "lastTable")];
  f.get(args).i32(SOURCE_A).op("i32.add").set(src);
  slotOf(f, args, unit, end, slot);
  for (let b = 0; b < DEPTHWISE_LIST; b += 16) f.get(slot).i32x4(0).mem("v128.store", b, 2);
  const number = digits(f, src);
  const strips = [4, 1].map((vectors) => ({ vectors, sum: strip(f, el, vectors, "v128.load") }));
  const single = strip(f, el, 1, el.loadSplat);

  whileBelow(f, unit, end, () => {
    f.get(unit).get(rowBlock).op("i32.mul").set(row);
    smaller(
      f,
      () => f.get(row).get(rowBlock).op("i32.add"),
      () => f.get(rows),
    ).set(stop);
    number.start(row);
    whileBelow(f, row, stop, () => {
      f.get(lhs).get(xBase).op("i32.add");
      weighed(f, src, number, "step");
      f.op("i32.add").set(at);
      f.get(outerTable);
      weighed(f, src, number, "outer");
      f.op("i32.add").set(outer);
      f.get(lastTable);
      weighed(f, src, number, "last");
      f.op("i32.add").set(last);
      f.get(out);
      weighed(f, src, number, "out");
      f.op("i32.add").get(outer).mem("i32.load").get(last).mem("i32.load").op("i32.add", "i32.add").set(to);
      listPlaces();
      allGroups();
      number.next();
      advance(f, row, 1);
    });
    advance(f, unit, 1);
  });

  /** Where each place of the window lies in the input (or -1), and in the kernel. */
  function listPlaces(): void {
    const [p, q, kp, kq, o, l] = [i32(), i32(), i32(), i32(), i32(), i32()];
    f.get(slot).i32(DEPTHWISE_LIST).op("i32.add").set(list);
    f.get(outer).set(p).get(kOuter).set(kp).get(places).get(lastPlaces).op("i32.div_u").set(o);
    repeat(f, o, () => {
      f.get(last).set(q).get(kLast).set(kq).get(lastPlaces).set(l);
      repeat(f, l, () => {
        // The first word of a table's row is the place in the result.
        f.get(list).get(p).mem("i32.load", 4).get(q).mem("i32.load", 4).op("i32.add").mem("i32.store");
        f.get(list)
          .get(kp)
          .mem("i32.load", 4)
          .get(kq)
          .mem("i32.load", 4)
          .op("i32.add")
          .get(kBase)
          .op("i32.add")
          .mem("i32.store", 4);
        advance(f, list, 8);
        advance(f, q, 4);
        advance(f, kq, 4);
      });
      advance(f, p, 4);
      advance(f, kp, 4);
    });
  }

  function allGroups(): void {
    const [left, k, zeros] = [i32(), i32(), slot];
    f.get(groups).set(left).get(rhs).set(k);
    const places_ = { list, slot, places, features, xStep, kStep, at, k, to, zeros };
    const run = (size: number, bytes: number, sum: (p: typeof places_) => void): void => {
      f.get(left).i32(size).op("i32.div_u").set(n);
      f.get(left).i32(size).op("i32.rem_u").set(left);
      repeat(f, n, () => {
        sum(places_);
        for (const x of [at, k, to]) advance(f, x, bytes);
      });
    };
    for (const { vectors, sum } of strips) run(vectors * el.lanes, 16 * vectors, sum);
    run(1, el.bytes, single);
  }
  return f;
}

interface Places {
  readonly list: Local;
  readonly slot: Local;
  readonly places: Local;
  readonly features: Local;
  readonly xStep: Local;
  readonly kStep: Local;
  /** Addresses of the groups' first numbers: of the input, the kernel and the result. */
  readonly at: Local;
  readonly k: Local;
  readonly to: Local;
}

/** The sums of a few vectors of groups. */
function strip(
  f: FunctionBuilder,
  el: Element,
  vectors: number,
  load: "v128.load" | Element["loadSplat"],
): (places: Places) => void {
  const many = (): Local[] => Array.from({ length: vectors }, () => f.local("v128"));
  const [sums, totals, x, y] = [many(), many(), f.local("v128"), f.local("v128")];
  const [px, pk, step, left, n, m] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
  ];
  const flush = (): void => {
    sums.forEach((sum, v) => f.get(totals[v]).get(sum).op(el.add).set(totals[v]).i32x4(0).set(sum));
    f.i32(SUM_BLOCK).set(left);
  };
  return ({ list, slot, places, features, xStep, kStep, at, k, to }) => {
    [...sums, ...totals].forEach((v) => f.i32x4(0).set(v));
    f.i32(SUM_BLOCK).set(left);
    f.get(slot).i32(DEPTHWISE_LIST).op("i32.add").set(list).get(places).set(n);
    repeat(f, n, () => {
      f.get(k).get(list).mem("i32.load", 4).op("i32.add").set(pk);
      f.get(list).mem("i32.load").tee(px).i32(0).op("i32.lt_s");
      f.if(
        () => f.get(slot).set(px).i32(0).set(step),
        () => f.get(at).get(px).op("i32.add").set(px).get(xStep).set(step),
      );
      f.get(features).set(m);
      repeat(f, m, () => {
        sums.forEach((sum, v) => {
          f.get(px)
            .mem(load, 16 * v, 2)
            .set(x);
          f.get(pk)
            .mem(load, 16 * v, 2)
            .set(y);
          multiplyAdd(f, el, sum, x, y);
        });
        advanceBy(f, px, step);
        advanceBy(f, pk, kStep);
        f.get(left).i32(1).op("i32.sub").tee(left).op("i32.eqz");
        f.if(flush);
      });
      advance(f, list, 8);
    });
    // A sum that starts at +0 is never -0, so adding it to +0 leaves it as it is.
    totals.forEach((total, v) => {
      f.get(to).get(total).get(sums[v]).op(el.add);
      if (load === "v128.load") f.mem("v128.store", 16 * v, 2);
      else f.memLane(el.storeLane, 0);
    });
  };
}
