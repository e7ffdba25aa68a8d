/**
 * A vector times a matrix: memory bound, so nothing is packed. Where rows of the matrix are contiguous, four of them at a time stream through the
 * sums of a block of columns. Where columns are, sixteen columns at a time are turned around in registers. Either way each sum is taken in
 * the order of k and by its blocks.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { head, source, SOURCE_A, SOURCE_B } from "./arguments.ts";
import { unitBounds } from "./directProduct.ts";
import { multiplyAdd, type Element } from "./element.ts";
import { advance, advanceBy, loaded, repeat, smaller, whileBelow } from "./emit.ts";
import { turned } from "./pack.ts";
import { operandPointers, slotOf, SUM_BLOCK } from "./packedProduct.ts";

/** Columns of a unit: their sums stay in the first cache. */
export const VECTOR_COLUMNS = 512;

interface Frame {
  readonly f: FunctionBuilder;
  readonly el: Element;
  readonly args: Local;
  readonly slot: Local;
  readonly a: Local;
  readonly b: Local;
  readonly c: Local;
  readonly column0: Local;
  readonly column1: Local;
  readonly k: Local;
  readonly kn: Local;
  readonly adds: Local;
  readonly aStep: Local;
  readonly bStep: Local;
}

/** The loops over units and blocks of k; `block` does one of them for the unit's columns. */
function vectorProduct(
  module: ModuleBuilder,
  el: Element,
  bStep: "featureStep" | "step2",
  block: (frame: Frame) => void,
): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const [index, row0, row1, column0, column1, a, b, c] = [i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()];
  const [k, kn, adds, slot] = [i32(), i32(), i32(), i32()];
  slotOf(f, args, unit, end, slot);
  const sum = loaded(f, args, head.sum);
  const frame: Frame = {
    ...{ f, el, args, slot, a, b, c, column0, column1, k, kn, adds },
    aStep: loaded(f, args, SOURCE_A + source.featureStep),
    bStep: loaded(f, args, SOURCE_B + source[bStep]),
  };
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
      f.get(k).i32(0).op("i32.ne").get(args).mem("i32.load", head.accumulate).op("i32.or").set(adds);
      block(frame);
      f.get(kn).tee(k).get(sum).op("i32.lt_s").brIf(again);
    });
    advance(f, unit, 1);
  });
  return f;
}

/** Rows of the matrix are contiguous. */
export const vectorByRows = (module: ModuleBuilder, el: Element): FunctionBuilder => {
  const stream = streamRows(module, el);
  return vectorProduct(
    module,
    el,
    "featureStep",
    ({ f, slot, a, b, c, column0, column1, k, kn, adds, aStep, bStep }) => {
      const [left, columns, pa, pb] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      f.get(column1).get(column0).op("i32.sub").set(columns);
      f.get(slot).i32(0).get(columns).i32(el.bytes).op("i32.mul").memoryFill();
      f.get(a).get(k).get(aStep).op("i32.mul", "i32.add").set(pa);
      f.get(b).get(column0).i32(el.bytes).op("i32.mul", "i32.add").get(k).get(bStep).op("i32.mul", "i32.add").set(pb);
      f.get(kn).get(k).op("i32.sub").set(left);
      f.get(slot).get(columns).get(pa).get(aStep).get(pb).get(bStep).get(left).call(stream);
      // Blocks of k are added as a whole.
      const [from, to, value, lanes] = [f.local("i32"), f.local("i32"), f.local("v128"), f.local("i32")];
      f.get(slot).set(from).get(c).get(column0).i32(el.bytes).op("i32.mul", "i32.add").set(to);
      f.get(columns).i32(el.lanes).op("i32.div_u").set(lanes);
      const one = (load: "v128.load" | Element["loadSplat"]): void => {
        f.get(from).mem(load, 0, 2).set(value);
        f.get(adds).if(() => f.get(to).mem(load, 0, 2).get(value).op(el.add).set(value));
      };
      repeat(f, lanes, () => {
        one("v128.load");
        f.get(to).get(value).mem("v128.store", 0, 2);
        advance(f, from, 16);
        advance(f, to, 16);
      });
      f.get(columns).i32(el.lanes).op("i32.rem_u").set(columns);
      repeat(f, columns, () => {
        one(el.loadSplat);
        f.get(to).get(value).memLane(el.storeLane, 0);
        advance(f, from, el.bytes);
        advance(f, to, el.bytes);
      });
    },
  );
};

/** (sums, columns, a, aStep, b, bStep, count): adds `count` rows of the matrix, each times its number, to the sums. */
function streamRows(module: ModuleBuilder, el: Element): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [sums, columns, a, aStep, b, bStep, count] = [0, 1, 2, 3, 4, 5, 6];
  const factors = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
  const rows = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const [to, n, turns, sum, value] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("v128"), f.local("v128")];
  const pass = (height: number): void => {
    for (let r = 0; r < height; r++) {
      f.get(a).mem(el.loadSplat).set(factors[r]);
      advanceBy(f, a, aStep);
      f.get(b).set(rows[r]);
      advanceBy(f, b, bStep);
    }
    f.get(sums).set(to);
    const step = (load: "v128.load" | Element["loadSplat"], bytes: number, store: () => void): void => {
      f.get(to).mem(load, 0, 2).set(sum);
      for (let r = 0; r < height; r++) {
        f.get(rows[r]).mem(load, 0, 2).set(value);
        multiplyAdd(f, el, sum, factors[r], value);
      }
      store();
      advance(f, to, bytes);
      for (let r = 0; r < height; r++) advance(f, rows[r], bytes);
    };
    f.get(columns).i32(el.lanes).op("i32.div_u").set(n);
    repeat(f, n, () => {
      step("v128.load", 16, () => f.get(to).get(sum).mem("v128.store", 0, 2));
    });
    f.get(columns).i32(el.lanes).op("i32.rem_u").set(n);
    repeat(f, n, () => {
      step(el.loadSplat, el.bytes, () => f.get(to).get(sum).memLane(el.storeLane, 0));
    });
  };
  f.get(count).i32(4).op("i32.div_u").set(turns);
  repeat(f, turns, () => {
    pass(4);
  });
  f.get(count).i32(4).op("i32.rem_u").set(turns);
  repeat(f, turns, () => {
    pass(1);
  });
  return f;
}

/** Columns of the matrix are contiguous: k runs along them. */
export const vectorByColumns = (module: ModuleBuilder, el: Element): FunctionBuilder => {
  const four = columnSums(module, el, 4);
  const one = columnSums(module, el, 1);
  return vectorProduct(module, el, "step2", ({ f, a, b, c, column0, column1, k, kn, adds, aStep, bStep }) => {
    const [j, pa, pb, to, left, count] = [
      f.local("i32"),
      f.local("i32"),
      f.local("i32"),
      f.local("i32"),
      f.local("i32"),
      f.local("i32"),
    ];
    f.get(a).get(k).get(aStep).op("i32.mul", "i32.add").set(pa);
    f.get(kn).get(k).op("i32.sub").set(count);
    f.get(column0).set(j);
    const strip = (fn: FunctionBuilder, columns: number): void => {
      f.get(b).get(j).get(bStep).op("i32.mul", "i32.add").get(k).i32(el.bytes).op("i32.mul", "i32.add").set(pb);
      f.get(c).get(j).i32(el.bytes).op("i32.mul", "i32.add").set(to);
      f.get(to).get(left).get(pa).get(aStep).get(pb).get(bStep).get(count).get(adds).call(fn);
      advance(f, j, columns);
    };
    whileBelow(f, j, column1, () => {
      f.get(column1)
        .get(j)
        .op("i32.sub")
        .tee(left)
        .i32(4 * el.lanes)
        .op("i32.ge_s");
      f.if(
        () => {
          strip(four, 4 * el.lanes);
        },
        () => {
          strip(one, el.lanes);
        },
      );
    });
  });
};

/** (to, columns, a, aStep, b, bStep, count, adds): sums of `groups` vectors of columns; of the last one only those that there are. */
function columnSums(module: ModuleBuilder, el: Element, groups: number): FunctionBuilder {
  const f = module.func(Array.from({ length: 8 }, () => "i32"));
  const [to, columns, a, aStep, b, bStep, count, adds] = [0, 1, 2, 3, 4, 5, 6, 7];
  const { lanes, bytes } = el;
  const total = groups * lanes;
  const at = Array.from({ length: total }, (_, r) => {
    const x = f.local("i32");
    f.get(b);
    smaller(
      f,
      () => f.i32(r),
      () => f.get(columns).i32(1).op("i32.sub"),
    );
    f.get(bStep).op("i32.mul", "i32.add").set(x);
    return x;
  });
  const sums = Array.from({ length: groups }, () => f.local("v128"));
  const v = Array.from({ length: 6 }, () => f.local("v128"));
  const factors = Array.from({ length: lanes }, () => f.local("v128"));
  const turns = f.local("i32");
  const loadFactors = (from: Local): void => {
    for (const factor of factors) {
      f.get(from).mem(el.loadSplat).set(factor);
      advanceBy(f, from, aStep);
    }
  };
  const addTurned = (sum: Local, g: number, offset: number): void => {
    turned(f, bytes, at.slice(g * lanes, (g + 1) * lanes), v, offset);
    factors.forEach((factor, k) => {
      multiplyAdd(f, el, sum, factor, v[k]);
    });
  };
  // A cache line of each column at a time: columns whose lines fall into one set of the cache would push out each other's.
  const line = 64 / bytes;
  const from = f.local("i32");
  f.get(count).i32(line).op("i32.div_u").set(turns);
  repeat(f, turns, () => {
    sums.forEach((sum, g) => {
      f.get(a).set(from);
      for (let u = 0; u < line / lanes; u++) {
        loadFactors(from);
        addTurned(sum, g, 16 * u);
      }
    });
    f.get(from).set(a);
    for (const x of at) advance(f, x, 64);
  });
  f.get(count).i32(line).op("i32.rem_u").set(count);
  f.get(count).i32(lanes).op("i32.div_u").set(turns);
  repeat(f, turns, () => {
    loadFactors(a);
    sums.forEach((sum, g) => {
      addTurned(sum, g, 0);
    });
    for (const x of at) advance(f, x, 16);
  });
  f.get(count).i32(lanes).op("i32.rem_u").set(count);
  repeat(f, count, () => {
    f.get(a).mem(el.loadSplat).set(factors[0]);
    advanceBy(f, a, aStep);
    sums.forEach((sum, g) => {
      for (let r = 0; r < lanes; r++) {
        f.get(at[g * lanes + r])
          .get(v[0])
          .memLane(bytes === 4 ? "v128.load32_lane" : "v128.load64_lane", r)
          .set(v[0]);
      }
      multiplyAdd(f, el, sum, factors[0], v[0]);
    });
    for (const x of at) advance(f, x, bytes);
  });
  const store = (sum: Local, lane: number, offset: number): void => {
    f.get(to).get(sum).memLane(el.storeLane, lane, offset);
  };
  // The sums of a full strip, or one number after the other.
  f.get(columns).i32(total).op("i32.ge_s");
  f.if(
    () => {
      sums.forEach((sum, g) => {
        f.get(adds).if(() =>
          f
            .get(to)
            .mem("v128.load", 16 * g, 2)
            .get(sum)
            .op(el.add)
            .set(sum),
        );
        f.get(to)
          .get(sum)
          .mem("v128.store", 16 * g, 2);
      });
    },
    () => {
      for (let r = 0; r < lanes; r++) {
        f.get(columns).i32(r).op("i32.gt_s");
        f.if(() => {
          f.get(sums[0]).set(v[0]);
          f.get(adds).if(() =>
            f
              .get(to)
              .mem(el.loadSplat, r * bytes)
              .get(sums[0])
              .op(el.add)
              .set(v[0]),
          );
          store(v[0], r, r * bytes);
        });
      }
    },
  );
  return f;
}
