/** Folds by a function of the user's: along axes (`reduce`), and over windows (`reduce_window`), in the order of the js engine. */
import type { NDArray } from "../../../core/array.ts";
import { dtypes } from "../../../core/dtype.ts";
import type { Jaxpr } from "../../../core/jaxpr.ts";
import { rowMajor } from "../../../compile/view.ts";
import type { ReduceParams } from "../../../primitives/reduce.ts";
import type { ReduceWindowParams } from "../../../primitives/window.ts";
import { loadSplat, loadVector, storeVector } from "../code/lanes.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import { emitBody, hasCode, isWideBody } from "./body.ts";
import type { CallCode, CallContext } from "./callCode.ts";
import { eachFold, elementAt } from "./foldAxes.ts";

/** What all folds by a function share: accumulators that begin as the initial values. */
interface FoldState {
  readonly c: VectorCode;
  readonly inits: readonly Local[];
  readonly begin: () => void;
  /** Folds the next elements into the accumulators. */
  readonly next: (elements: readonly Local[]) => void;
  /** Stores the accumulators at that place of the results. */
  readonly end: (place: Local, count: number) => void;
}

function foldState({ f, step, addresses, host }: CallContext, jaxpr: Jaxpr, consts: readonly NDArray[]): FoldState {
  const c = new VectorCode(f, isWideBody(jaxpr), host);
  const half = step.inAvals.length / 2;
  const inits = step.inAvals.slice(half).map(({ dtype }, n) => {
    loadSplat(c, dtype, addresses[half + n], 0);
    return c.keep();
  });
  const accs = inits.map(() => c.temp());
  const assign = (values: readonly Local[]): void => {
    for (const v of values) f.get(v);
    for (const acc of accs.toReversed()) f.set(acc);
  };
  return {
    c,
    inits,
    begin: () => {
      assign(inits);
    },
    next: (elements) => {
      assign(emitBody(c, jaxpr, consts, [...accs, ...elements]));
    },
    end: (place, count) => {
      step.outAvals.forEach(({ dtype }, n) => {
        const { bytes } = dtypes[dtype];
        storeVector(c, dtype, accs[n], elementAt(f, addresses[2 * half + n], place, bytes), 0, count, bytes);
      });
    },
  };
}

export const reduce: CallCode = {
  fits({ params }) {
    const { jaxpr } = params as unknown as ReduceParams;
    return hasCode(jaxpr.jaxpr, jaxpr.consts);
  },
  emit(context) {
    const { f, step, addresses } = context;
    const { dimensions, jaxpr } = step.eqn.params as unknown as ReduceParams;
    const { c, begin, next, end } = foldState(context, jaxpr.jaxpr, jaxpr.consts);
    const operands = step.inAvals.slice(0, step.inAvals.length / 2);
    eachFold(f, operands[0].shape, dimensions, c.lanes, ({ count, place, eachElement }) => {
      begin();
      eachElement((at) => {
        next(
          operands.map(({ dtype }, n) => {
            loadVector(c, dtype, elementAt(f, addresses[n], at, dtypes[dtype].bytes), 0);
            return c.keep();
          }),
        );
      });
      end(place, count);
    });
  },
};

/** The loops over a box; `inside` gets the place in each dimension. */
function eachIn(f: FunctionBuilder, box: readonly number[], inside: (places: readonly Local[]) => void): void {
  const nest = (places: readonly Local[]): void => {
    if (places.length === box.length) {
      inside(places);
      return;
    }
    const i = f.local("i32");
    f.forRange(i, 0, box[places.length], 1, () => {
      nest([...places, i]);
    });
  };
  nest([]);
}

/**
 * Sets `at` to the number of the operand's element that a window sees at one of its places, and `seen` to whether there is one: padding and the gaps
 * of a dilated operand have none.
 */
function locate(
  f: FunctionBuilder,
  shape: readonly number[],
  params: ReduceWindowParams,
  [out, offset]: readonly [readonly Local[], readonly Local[]],
  [at, seen]: readonly [Local, Local],
): void {
  const strides = rowMajor(shape);
  const spread = f.local("i32");
  f.i32(0).set(at).i32(1).set(seen);
  shape.forEach((size, d) => {
    const dilation = params.base_dilation[d];
    f.get(out[d]).i32(params.window_strides[d]).op("i32.mul");
    f.get(offset[d]).i32(params.window_dilation[d]).op("i32.mul", "i32.add");
    f.i32(params.padding[d][0]).op("i32.sub").set(spread);
    if (dilation > 1) {
      f.get(seen).get(spread).i32(dilation).op("i32.rem_s", "i32.eqz", "i32.and").set(seen);
      f.get(seen).get(spread).i32(0).op("i32.ge_s", "i32.and").set(seen);
      f.get(spread).i32(dilation).op("i32.div_s").set(spread);
    }
    // As an unsigned number, what is before the beginning is beyond the end.
    f.get(spread).i32(size).op("i32.lt_u").get(seen).op("i32.and").set(seen);
    f.get(spread).i32(strides[d]).op("i32.mul").get(at).op("i32.add").set(at);
  });
}

export const reduceWindow: CallCode = {
  fits({ params }) {
    const { jaxpr, consts } = params as unknown as ReduceWindowParams;
    return hasCode(jaxpr, consts);
  },
  emit(context) {
    const { f, step, addresses } = context;
    const params = step.eqn.params as unknown as ReduceWindowParams;
    const { c, inits, begin, next, end } = foldState(context, params.jaxpr, params.consts);
    const operands = step.inAvals.slice(0, step.inAvals.length / 2);
    const elements = operands.map(() => c.temp());
    const [place, at, seen] = [f.local("i32"), f.local("i32"), f.local("i32")];
    f.i32(0).set(place);
    eachIn(f, step.outAvals[0].shape, (out) => {
      begin();
      eachIn(f, params.window_dimensions, (offset) => {
        locate(f, operands[0].shape, params, [out, offset], [at, seen]);
        inits.forEach((init, n) => f.get(init).set(elements[n]));
        f.get(seen);
        f.if(() => {
          operands.forEach(({ dtype }, n) => {
            loadSplat(c, dtype, elementAt(f, addresses[n], at, dtypes[dtype].bytes), 0);
            f.set(elements[n]);
          });
        });
        next(elements);
      });
      end(place, 1);
      f.get(place).i32(1).op("i32.add").set(place);
    });
  },
};
