/** Where the lines of a source (rows of A, columns of B) lie in the operand and in the result: their numbers, digit by digit, and their places. */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { SOURCE_A, source } from "./arguments.ts";
import { advance, loaded, repeat } from "./emit.ts";

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** The digits of a row's number, and how it is counted up. */
export interface Digits {
  readonly values: readonly [Local, Local, Local];
  start(row: Local): void;
  next(): void;
}

export function digits(f: FunctionBuilder, src: Local): Digits {
  const [i0, i1, i2] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [size1, size2] = [loaded(f, src, source.size1), loaded(f, src, source.size2)];
  return {
    values: [i0, i1, i2],
    start(row) {
      f.get(row).get(size2).op("i32.rem_u").set(i2);
      f.get(row).get(size2).op("i32.div_u").set(i0);
      f.get(i0).get(size1).op("i32.rem_u").set(i1);
      f.get(i0).get(size1).op("i32.div_u").set(i0);
    },
    next() {
      advance(f, i2, 1);
      f.get(i2)
        .get(size2)
        .op("i32.eq")
        .if(() => {
          f.i32(0).set(i2);
          advance(f, i1, 1);
          f.get(i1)
            .get(size1)
            .op("i32.eq")
            .if(() => {
              f.i32(0).set(i1);
              advance(f, i0, 1);
            });
        });
    },
  };
}

type Step = "step" | "out" | "outer" | "last";

/** Pushes i0 * name0 + i1 * name1 + i2 * name2. */
export function weighed(f: FunctionBuilder, src: Local, { values }: Digits, name: Step): void {
  values.forEach((i, d) => {
    f.get(i)
      .get(src)
      .mem("i32.load", source[`${name}${d as 0 | 1 | 2}`])
      .op("i32.mul");
    if (d > 0) f.op("i32.add");
  });
}

/** (args, src, row, count, list): the places in the result of `count` rows, as byte offsets. */
export function listOffsets(module: ModuleBuilder): FunctionBuilder {
  const f = module.func(times(5, () => "i32"));
  const [args, src, row, count, list] = times(5, (i) => i);
  const windowed = loaded(f, src, source.windowed);
  const number = digits(f, src);
  const [outer, last] = [f.local("i32"), f.local("i32")];
  f.get(args).get(src).mem("i32.load", source.outerTable).op("i32.add").set(outer);
  f.get(args).get(src).mem("i32.load", source.lastTable).op("i32.add").set(last);
  number.start(row);
  repeat(f, count, () => {
    f.get(list);
    weighed(f, src, number, "out");
    f.get(windowed).if(
      () => {
        f.get(outer);
        weighed(f, src, number, "outer");
        f.op("i32.add").mem("i32.load").get(last);
        weighed(f, src, number, "last");
        f.op("i32.add").mem("i32.load", 0).op("i32.add");
      },
      () => f.i32(0),
      "i32",
    );
    f.op("i32.add").mem("i32.store");
    advance(f, list, 4);
    number.next();
  });
  return f;
}

/** No common distance: the tile goes through scratch memory. */
export const UNEVEN = 1;

/** (list, count, width, steps): for each `width` offsets of a list their common distance, or UNEVEN. */
export function listSteps(module: ModuleBuilder): FunctionBuilder {
  const f = module.func(times(4, () => "i32"));
  const [list, count, width, steps] = times(4, (i) => i);
  const [step, n, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(count).get(width).op("i32.add").i32(1).op("i32.sub").get(width).op("i32.div_u").set(n);
  repeat(f, n, () => {
    f.get(count)
      .get(width)
      .op("i32.lt_s")
      .if(
        () => f.i32(UNEVEN).set(step),
        () => {
          f.get(list).mem("i32.load", 4).get(list).mem("i32.load").op("i32.sub").set(step);
          f.get(list).set(at);
          const left = f.local("i32");
          f.get(width).i32(1).op("i32.sub").set(left);
          repeat(f, left, () => {
            f.get(at).mem("i32.load", 4).get(at).mem("i32.load").op("i32.sub").get(step).op("i32.ne");
            f.if(() => f.i32(UNEVEN).set(step));
            advance(f, at, 4);
          });
        },
      );
    f.get(steps).get(step).mem("i32.store");
    advance(f, steps, 4);
    f.get(list).get(width).i32(2).op("i32.shl", "i32.add").set(list);
    f.get(count).get(width).op("i32.sub").set(count);
  });
  return f;
}

/** The address of a source in the block at `args`. */
export const pushSource = (f: FunctionBuilder, args: Local, at: number = SOURCE_A): FunctionBuilder =>
  f.get(args).i32(at).op("i32.add");
