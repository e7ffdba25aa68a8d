/**
 * Products of a few hundred multiplications, of any strides: three plain loops without workspace, whose code is a fraction of the other routines', so that
 * a program of small layers starts sooner. Vectors hold columns; the last one of a row overlaps the one before, which computes some elements
 * twice, and fewer columns than a vector has are computed one by one. There is one block along k, and each sum is taken in its order.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { head, source, SOURCE_A, SOURCE_B } from "./arguments.ts";
import { multiplyAdd, type Element } from "./element.ts";
import { advance, advanceBy, loaded, repeat, smaller, whileBelow } from "./emit.ts";
import { operandPointers } from "./packedProduct.ts";

/** (args, start, end): a unit is a matrix of the batch. */
export function smallProduct(module: ModuleBuilder, el: Element): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const [a, b, c, i, j, n, pa, pb, pc] = [i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()];
  const [total, x, y] = [f.local("v128"), f.local("v128"), f.local("v128")];
  const [rows, columns, sum] = [loaded(f, args, head.rows), loaded(f, args, head.columns), loaded(f, args, head.sum)];
  const field = (src: number, name: keyof typeof source): Local => loaded(f, args, src + source[name]);
  const [rowStep, aStep, cRow] = [field(SOURCE_A, "step2"), field(SOURCE_A, "featureStep"), field(SOURCE_A, "out2")];
  const [column, bStep, cColumn] = [field(SOURCE_B, "step2"), field(SOURCE_B, "featureStep"), field(SOURCE_B, "out2")];
  const lane = el.bytes === 4 ? "v128.load32_lane" : "v128.load64_lane";

  /** The address of each lane's number is pushed by `place`, after which `use` takes it. */
  const eachLane = (base: Local, step: Local, use: (lane: number, place: () => void) => void): void => {
    for (let l = 0; l < el.lanes; l++)
      use(l, () => {
        f.get(base);
        if (l > 0) f.get(step).i32(l).op("i32.mul", "i32.add");
      });
  };
  /** The sums of the columns whose numbers `load` pushes. */
  const along = (load: () => void): void => {
    f.get(a).set(pa);
    f.get(b).get(j).get(column).op("i32.mul", "i32.add").set(pb);
    f.f32x4(0).set(total);
    f.get(sum).set(n);
    repeat(f, n, () => {
      f.get(pa).mem(el.loadSplat).set(x);
      load();
      f.set(y);
      multiplyAdd(f, el, total, x, y);
      advanceBy(f, pa, aStep);
      advanceBy(f, pb, bStep);
    });
    f.get(c).get(j).get(cColumn).op("i32.mul", "i32.add").set(pc);
  };
  const isContiguous = (step: Local): FunctionBuilder => f.get(step).i32(el.bytes).op("i32.eq");

  const vectors = (): void => {
    isContiguous(column).if(
      () => {
        along(() => f.get(pb).mem("v128.load", 0, 2));
      },
      () => {
        along(() => {
          eachLane(pb, column, (l, place) => {
            place();
            if (l === 0) f.mem(el.loadSplat).set(y);
            else f.get(y).memLane(lane, l).set(y);
          });
          f.get(y);
        });
      },
    );
    isContiguous(cColumn).if(
      () => f.get(pc).get(total).mem("v128.store", 0, 2),
      () => {
        eachLane(pc, cColumn, (l, place) => {
          place();
          f.get(total).memLane(el.storeLane, l);
        });
      },
    );
  };
  const single = (): void => {
    along(() => f.get(pb).mem(el.loadSplat));
    f.get(pc).get(total).memLane(el.storeLane, 0);
    advance(f, j, 1);
  };

  whileBelow(f, unit, end, () => {
    operandPointers(f, args, unit, [a, b, c]);
    f.i32(0).set(i);
    whileBelow(f, i, rows, () => {
      f.i32(0).set(j);
      f.get(columns).i32(el.lanes).op("i32.lt_s");
      f.if(
        () => {
          whileBelow(f, j, columns, single);
        },
        () => {
          f.loop((again) => {
            vectors();
            // Onwards by a vector, or to the last whole one.
            f.get(j).i32(el.lanes).op("i32.add").get(columns).op("i32.lt_s");
            f.if(() => {
              smaller(
                f,
                () => f.get(j).i32(el.lanes).op("i32.add"),
                () => f.get(columns).i32(el.lanes).op("i32.sub"),
              ).set(j);
              f.br(again);
            });
          });
        },
      );
      advanceBy(f, a, rowStep);
      advanceBy(f, c, cRow);
      advance(f, i, 1);
    });
    advance(f, unit, 1);
  });
  return f;
}
