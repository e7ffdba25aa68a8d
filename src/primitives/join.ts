/**
 * Joining and cutting: `concatenate` and its transpose `split`, `stack` and its transpose `unstack` (which make and remove an axis), and
 * `tile`, which repeats an array along its own axes.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray, Shape } from "../core/aval.ts";
import { bind, bind1, currentTrace } from "../core/interpreter.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { instantiate } from "../core/zeros.ts";
import { DTypeError, RematValueError, ShapeError } from "../errors.ts";
import { linearJvp } from "./algebra.ts";
import { canonicalAxis, inserted, isArray, range, sameList, shapesText, tupleText, without } from "./axes.ts";
import { broadcasted, movedAxis, reshaped, summed } from "./shape.ts";

/** Refuses operands of different dtypes. `numpy` names the function that promotes them. */
export function requireSameDType(name: string, avals: readonly ShapedArray[], numpy?: string): void {
  if (avals.some((a) => a.dtype !== avals[0].dtype)) {
    const tip =
      numpy === undefined
        ? ""
        : ` (Tip: np.${numpy} is a similar function that does automatic type promotion on inputs).`;
    throw new DTypeError(
      `lax.${name} requires arguments to have the same dtypes, got ${avals.map((a) => a.dtype).join(", ")}.${tip}`,
    );
  }
}

const allWeak = (avals: readonly ShapedArray[]): boolean => avals.every((a) => a.weakType);

/** The operands of a joining primitive with their batch axes in front. */
const inFront = (size: number, args: readonly NDArray[], dims: readonly (number | null)[]): NDArray[] =>
  args.map((x, i) => (dims[i] === null ? broadcasted(x, [size]) : movedAxis(x, dims[i], 0)));

export type ConcatenateParams = { readonly dimension: number };

export const concatenate: Primitive<ConcatenateParams> = {
  name: "concatenate",
  type(avals, { dimension }) {
    const first = avals[0];
    if (first === undefined) {
      throw new ShapeError("concatenate expects at least one operand, got 0.");
    }
    if (avals.some((a) => a.ndim !== first.ndim)) {
      throw new ShapeError(
        `Cannot concatenate arrays with different numbers of dimensions: got ${shapesText(avals)}. ` +
          "Give all operands the same rank, with reshape or expandDims.",
      );
    }
    if (dimension < 0 || dimension >= first.ndim) {
      throw new ShapeError(
        `concatenate dimension out of bounds: dimension ${dimension} for shapes ${shapesText(avals)}.`,
      );
    }
    const rest = without(first.shape, [dimension]);
    if (avals.some((a) => !sameList(without(a.shape, [dimension]), rest))) {
      throw new ShapeError(
        "Cannot concatenate arrays with shapes that differ in dimensions other than the one being concatenated: " +
          `concatenating along dimension ${dimension} for shapes ${shapesText(avals)}.`,
      );
    }
    requireSameDType("concatenate", avals, "concatenate");
    const size = avals.reduce((n, a) => n + a.shape[dimension], 0);
    return [first.update({ shape: inserted(rest, dimension, size), weakType: allWeak(avals) })];
  },
  jvp: linearJvp(() => concatenate),
  transpose: ([ct], args, { dimension }) =>
    splitted(
      ct!,
      args.map((x) => x.aval.shape[dimension]),
      dimension,
    ),
  batch: (size, args, dims, { dimension }) => ({
    outs: [concatenated(inFront(size, args, dims), dimension + 1)],
    dims: [0],
  }),
};

export type SplitParams = { readonly sizes: readonly number[]; readonly axis: number };

export const split: Primitive<SplitParams> = {
  name: "split",
  type([x], { sizes, axis }) {
    if (sizes.some((s) => s < 0)) {
      throw new RematValueError(`Sizes passed to split must be nonnegative, got [${sizes.join(", ")}].`);
    }
    const total = sizes.reduce((n, s) => n + s, 0);
    if (total !== x.shape[axis]) {
      throw new RematValueError(
        `Sum of sizes ${total} must be equal to dimension ${axis} of the operand shape [${x.shape.join(", ")}].`,
      );
    }
    return sizes.map((s) => x.update({ shape: x.shape.with(axis, s) }));
  },
  jvp: linearJvp(() => split),
  transpose: (cts, _args, { axis }, outAvals) => [concatenated(instantiated(cts, outAvals), axis)],
  batch(_size, [x], [dim], { sizes, axis }) {
    const outs = splitted(x, sizes, axis >= dim! ? axis + 1 : axis);
    return { outs, dims: outs.map(() => dim!) };
  },
};

const instantiated = (cts: readonly Tangent[], avals: readonly ShapedArray[]): NDArray[] =>
  cts.map((ct, i) => instantiate(ct, avals[i].toTangent()));

export type StackParams = { readonly axis: number };

export const stack: Primitive<StackParams> = {
  name: "stack",
  type(avals, { axis }) {
    const first = avals[0];
    if (first === undefined) {
      throw new RematValueError("stack expects at least one operand, got 0.");
    }
    if (avals.some((a) => a.ndim !== first.ndim)) {
      throw new RematValueError(`Cannot stack arrays with different numbers of dimensions: got ${shapesText(avals)}.`);
    }
    if (avals.some((a) => !sameList(a.shape, first.shape))) {
      throw new RematValueError(
        `All input arrays must have the same shape. Got ${shapesText(avals)}. Use concatenate for arrays that differ along one axis.`,
      );
    }
    requireSameDType("stack", avals, "stack");
    return [first.update({ shape: inserted(first.shape, axis, avals.length), weakType: allWeak(avals) })];
  },
  jvp: linearJvp(() => stack),
  transpose: ([ct], _args, { axis }) => bind(unstack, [ct!], { axis }),
  batch(size, args, dims, { axis }) {
    const dim = dims[0]!;
    if (dim !== null && dims.every((d) => d === dim)) {
      const [place, out] = axis <= dim ? [axis, dim + 1] : [axis + 1, dim];
      return { outs: bind(stack, args, { axis: place }), dims: [out] };
    }
    return { outs: bind(stack, inFront(size, args, dims), { axis: axis + 1 }), dims: [0] };
  },
};

export const unstack: Primitive<StackParams> = {
  name: "unstack",
  type([x], { axis }) {
    if (x.ndim === 0) {
      throw new RematValueError(
        `unstack requires arrays with rank > 0, however a scalar array of shape ${tupleText(x.shape)} was passed.`,
      );
    }
    const shape = without(x.shape, [axis]);
    return range(x.shape[axis]).map(() => x.update({ shape }));
  },
  jvp: linearJvp(() => unstack),
  transpose: (cts, _args, { axis }, outAvals) => bind(stack, instantiated(cts, outAvals), { axis }),
  batch(_size, [x], [dim], { axis }) {
    const [place, out] = axis < dim! ? [axis, dim! - 1] : [axis + 1, dim!];
    const outs = bind(unstack, [x], { axis: place });
    return { outs, dims: outs.map(() => out) };
  },
};

export type TileParams = { readonly reps: readonly number[] };

export const tile: Primitive<TileParams> = {
  name: "tile",
  type([x], { reps }) {
    if (x.ndim !== reps.length) {
      throw new ShapeError(
        `reps length must be equal to the ndim of x, got len(reps)=${reps.length} and x.ndim=${x.ndim}: give one count an axis.`,
      );
    }
    return [x.update({ shape: x.shape.map((d, i) => d * reps[i]) })];
  },
  jvp: linearJvp(() => tile),
  transpose([ct], [x], { reps }) {
    const shape = x.aval.shape;
    const pairs = reshaped(
      ct!,
      reps.flatMap((r, i) => [r, shape[i]]),
    );
    return [
      summed(
        pairs,
        shape.map((_, i) => 2 * i),
      ),
    ];
  },
  batch: (_size, [x], [dim], { reps }) => ({ outs: [tiled(x, inserted(reps, dim!, 1))], dims: [dim!] }),
};

export const joinPrimitives = [concatenate, split, stack, unstack, tile] as const;

/** The arrays one after another along an axis; a single array is returned as it is. */
export function concatenated(xs: readonly NDArray[], dimension: number): NDArray {
  if (xs.length === 0) {
    throw new RematValueError("concatenate requires a non-empty sequences of arrays: give at least one.");
  }
  if (xs.length === 1 && isArray(xs[0])) return xs[0];
  return bind1(concatenate, xs, { dimension });
}

/** The array cut into pieces of the given sizes along an axis. */
export function splitted(x: NDArray, sizes: readonly number[], axis: number): readonly NDArray[] {
  const array = isArray(x) ? x : currentTrace().stageValue(x);
  return bind(split, [array], { sizes: [...sizes], axis: canonicalAxis(axis, x.ndim) });
}

/** The arrays side by side along a new axis. */
export function stacked(xs: readonly NDArray[], axis: number): NDArray {
  return bind1(stack, xs, { axis: canonicalAxis(axis, xs[0].ndim + 1) });
}

/** The slices of an array along an axis, which goes away. */
export const unstacked = (x: NDArray, axis: number): readonly NDArray[] =>
  bind(unstack, [x], { axis: canonicalAxis(axis, x.ndim) });

export const tiled = (x: NDArray, reps: Shape): NDArray => bind1(tile, [x], { reps: [...reps] });
