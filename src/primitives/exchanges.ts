/**
 * Operations that move values between the slices of a mapped axis, which they know by its name: `all_gather` gives every slice all of them,
 * `reduce_scatter` gives each its part of their sum, `all_to_all` swaps the mapped axis with one of the array, `ppermute` and `pbroadcast` send
 * slices to other places. Under `vmap` with that name they are transposes, reshapes, sums and a gather.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import { sizeOfAxis, type AxisName } from "../core/axisNames.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { BatchResult, Primitive } from "../core/primitive.ts";
import { allocate, canonicalDType, writeElement } from "../core/scalar.ts";
import { RematValueError, UnsupportedError } from "../errors.ts";
import { isLinear, linearJvp } from "./algebra.ts";
import { add, mul } from "./arithmetic.ts";
import { canonicalAxis, inserted, range, tupleText, without } from "./axes.ts";
import { constLike, fullLike } from "./broadcasting.ts";
import { axisIndexP, psum, refuseGroups, type Groups } from "./collectives.ts";
import { eq, lt, select } from "./comparison.ts";
import { gathered } from "./gather.ts";
import { gatherDims } from "./gatherDimensions.ts";
import { jitCall } from "./jit.ts";
import { broadcasted, expanded, movedAxis, repeatedAt, reshaped, summed, transposed } from "./shape.ts";

export type PpermuteParams = {
  readonly axis_name: readonly AxisName[];
  /** From where to where: pairs of indices. */
  readonly perm: readonly (readonly [source: number, destination: number])[];
};

/** The elements of `x` at host indices along an axis, as `np.take` reads them. */
function taken(x: NDArray, indices: readonly number[], axis: number): NDArray {
  const aval = new ShapedArray([indices.length], canonicalDType("int64"));
  const data = allocate(aval);
  indices.forEach((value, i) => writeElement(data, aval.dtype, i, value));
  const body = (a: NDArray, given: NDArray): NDArray[] => {
    const negative = lt(given, constLike(given, 0));
    const counted = add(given, constLike(given, a.shape[axis]));
    const [places] = jitCall("_where", "", (c, y, z) => [select(c, y, z)], [negative, counted, given]);
    const dims = gatherDims({
      offsetDims: without(range(a.ndim), [axis]),
      collapsedSliceDims: [axis],
      startIndexMap: [axis],
    });
    return [gathered(a, expanded(places, [1]), dims, a.shape.with(axis, 1), { mode: "fill" })];
  };
  const key = JSON.stringify([axis, null, false, false, "null"]);
  return jitCall("_take", key, body, [x, new ConcreteArray(aval, data)])[0];
}

export const ppermute: Primitive<PpermuteParams> = {
  name: "ppermute",
  type([x], { axis_name }) {
    for (const name of axis_name) sizeOfAxis(name, "ppermute");
    return [x];
  },
  jvp: linearJvp(() => ppermute),
  transpose: ([ct], _args, { axis_name, perm }) =>
    bind(ppermute, [ct!], { axis_name, perm: perm.map(([source, destination]) => [destination, source] as const) }),
  batch(size, [x], [dim], { axis_name, perm }, _body, axisName) {
    const rest = axis_name.filter((name) => name !== axisName);
    if (rest.length > 0) return { outs: bind(ppermute, [x], { axis_name: rest, perm }), dims: [dim] };
    if (perm.length !== size) {
      throw new RematValueError(
        `ppermute along an axis of size ${size} got ${perm.length} pairs: Permutation doesn't match the axis size! ` +
          "Name one source for each destination.",
      );
    }
    if (dim === null) return { outs: [x], dims: [null] };
    const sources = range(size).map(() => 0);
    for (const [source, destination] of perm) sources[destination] = source;
    return { outs: [taken(x, sources, dim)], dims: [dim] };
  },
  axisNames: ({ axis_name }) => axis_name,
};

export type PbroadcastParams = { readonly axis_name: readonly AxisName[]; readonly source: number };

export const pbroadcast: Primitive<PbroadcastParams> = {
  name: "pbroadcast",
  type([x], { axis_name }) {
    for (const name of axis_name) sizeOfAxis(name, "pbroadcast");
    return [x];
  },
  jvp: linearJvp(() => pbroadcast),
  transpose([ct], _args, { axis_name, source }) {
    const here = bind1(axisIndexP, [], { axis_name: axis_name[0] });
    const total = bind1(psum, [ct!], { axes: axis_name, axis_index_groups: null });
    const isSource = broadcasted(eq(here, constLike(here, source)), total.shape);
    return [select(isSource, total, fullLike(total, 0))];
  },
  batch(size, [x], [dim], { axis_name, source }, _body, axisName) {
    if (axisName === null || !axis_name.includes(axisName)) {
      return { outs: bind(pbroadcast, [x], { axis_name, source }), dims: [dim] };
    }
    requireOneName("pbroadcast", axis_name);
    if (!(source >= 0 && source < size)) {
      throw new RematValueError(
        `pbroadcast from index ${source} was asked for along an axis of size ${size}: collective broadcast doesn't fit in the axis size! ` +
          `Give an index from 0 to ${size - 1}.`,
      );
    }
    if (dim === null) return { outs: [x], dims: [null] };
    const sources = range(size).map(() => source);
    return { outs: [taken(x, sources, dim)], dims: [dim] };
  },
  axisNames: ({ axis_name }) => axis_name,
};

function requireOneName(what: string, names: readonly AxisName[]): void {
  if (names.length === 1) return;
  throw new UnsupportedError(
    `${what} was asked for along the axes ${names.join(", ")} together, and takes a single axis. Call it for one axis after the other.`,
  );
}

/** The array with one axis split in two, the first of the given size. */
const splitAxis = (x: NDArray, axis: number, size: number): NDArray =>
  reshaped(x, [...x.shape.slice(0, axis), size, x.shape[axis] / size, ...x.shape.slice(axis + 1)]);

/** The array with an axis and the next one made one. */
const foldAxis = (x: NDArray, axis: number): NDArray =>
  reshaped(x, [...x.shape.slice(0, axis), x.shape[axis] * x.shape[axis + 1], ...x.shape.slice(axis + 2)]);

export type AllGatherParams = {
  readonly all_gather_dimension: number;
  readonly axis_index_groups: Groups;
  readonly axis_name: readonly AxisName[];
  readonly axis_size: number;
  /** The slices are joined along an axis that is there, rather than stacked along a new one. */
  readonly tiled: boolean;
};

const grown = (shape: Shape, axis: number, size: number, tiled: boolean): Shape =>
  tiled ? shape.with(axis, shape[axis] * size) : inserted(shape, axis, size);

export const allGather: Primitive<AllGatherParams> = {
  name: "all_gather",
  type([x], { all_gather_dimension: axis, axis_name, axis_size, tiled }) {
    for (const name of axis_name) sizeOfAxis(name, "all_gather");
    return [x.update({ shape: grown(x.shape, axis, axis_size, tiled) })];
  },
  jvp: linearJvp(() => allGather),
  transpose: ([ct], _args, { all_gather_dimension, ...rest }) =>
    bind(reduceScatter, [ct!], { ...rest, scatter_dimension: all_gather_dimension }),
  batch(size, [x], [dim], params, _body, axisName) {
    const { all_gather_dimension: axis, axis_name, axis_index_groups, tiled } = params;
    if (axisName === null || !axis_name.includes(axisName)) {
      const [to, out] = besideAxis(dim!, axis, tiled ? 0 : 1);
      return { outs: bind(allGather, [x], { ...params, all_gather_dimension: to }), dims: [out] };
    }
    refuseGroups("all_gather", axis_index_groups);
    requireOneName("all_gather", axis_name);
    const all = dim === null ? repeatedAt(x, size, axis) : movedAxis(x, dim, axis);
    return { outs: [tiled ? foldAxis(all, axis) : all], dims: [null] };
  },
  axisNames: ({ axis_name }) => axis_name,
};

/** Where an axis of the operand, and the batch axis, stand once both are there; `added` axes come in at the former, or go. */
const besideAxis = (dim: number, axis: number, added: number): [axis: number, dim: number] =>
  dim <= axis ? [axis + 1, dim] : [axis, dim + added];

export type ReduceScatterParams = Omit<AllGatherParams, "all_gather_dimension"> & {
  readonly scatter_dimension: number;
};

function checkScatter(n: number, axis_size: number, tiled: boolean): void {
  if (tiled && n % axis_size !== 0) {
    throw new RematValueError(
      `tiled reduce_scatter operand scatter dimension size ${n} must be divisible by shard_count ${axis_size}. Pad the operand.`,
    );
  }
  if (!tiled && n !== axis_size) {
    throw new RematValueError(
      `reduce_scatter operand scatter dimension size ${n} must match shard count ${axis_size}. Set tiled for several elements a slice.`,
    );
  }
}

export const reduceScatter: Primitive<ReduceScatterParams> = {
  name: "reduce_scatter",
  type([x], { scatter_dimension: axis, axis_name, axis_size, tiled }) {
    for (const name of axis_name) sizeOfAxis(name, "reduce_scatter");
    const n = x.shape[axis];
    checkScatter(n, axis_size, tiled);
    return [x.update({ shape: tiled ? x.shape.with(axis, n / axis_size) : without(x.shape, [axis]) })];
  },
  jvp: linearJvp(() => reduceScatter),
  transpose: ([ct], _args, { scatter_dimension, ...rest }) =>
    bind(allGather, [ct!], { ...rest, all_gather_dimension: scatter_dimension }),
  batch(size, [x], [dim], params, _body, axisName): BatchResult {
    const { scatter_dimension: axis, axis_name, axis_index_groups, tiled } = params;
    if (axisName === null || !axis_name.includes(axisName)) {
      const [to] = besideAxis(dim!, axis, 0);
      const out = dim! > axis && !tiled ? dim! - 1 : dim!;
      return { outs: bind(reduceScatter, [x], { ...params, scatter_dimension: to }), dims: [out] };
    }
    refuseGroups("reduce_scatter", axis_index_groups);
    requireOneName("reduce_scatter", axis_name);
    checkScatter((dim === null ? x.shape : without(x.shape, [dim]))[axis], size, tiled);
    const total = dim === null ? mul(x, constLike(x, size)) : summed(x, [dim]);
    return { outs: [tiled ? splitAxis(total, axis, size) : total], dims: [axis] };
  },
  axisNames: ({ axis_name }) => axis_name,
};

export type AllToAllParams = {
  readonly axis_index_groups: Groups;
  readonly axis_name: AxisName | readonly AxisName[];
  readonly concat_axis: number;
  readonly split_axis: number;
  readonly tiled: boolean;
};

const namesOf = (name: AxisName | readonly AxisName[]): readonly AxisName[] =>
  typeof name === "string" ? [name] : name;

export const allToAll: Primitive<AllToAllParams> = {
  name: "all_to_all",
  type([x], { axis_name, split_axis, concat_axis }) {
    const size = namesOf(axis_name).reduce((n, name) => n * sizeOfAxis(name, "all_to_all"), 1);
    const split = x.shape.with(split_axis, x.shape[split_axis] / size);
    if (!Number.isInteger(split[split_axis])) {
      throw new RematValueError(
        `all_to_all of an array of shape ${tupleText(x.shape)}: the size of split_axis (${x.shape[split_axis]}) has to be divisible by ` +
          `the size of the named axis (${size}). Pad the array.`,
      );
    }
    return [x.update({ shape: split.with(concat_axis, split[concat_axis] * size), weakType: false })];
  },
  jvp: linearJvp(() => allToAll),
  transpose([ct], [x], params) {
    if (!isLinear(x)) return [null];
    return bind(allToAll, [ct!], { ...params, split_axis: params.concat_axis, concat_axis: params.split_axis });
  },
  batch(size, [x], [dim], params, _body, axisName) {
    const { axis_name, split_axis, concat_axis, axis_index_groups } = params;
    const names = namesOf(axis_name);
    if (axisName === null || !names.includes(axisName)) {
      const shift = (axis: number): number => axis + (dim! <= axis ? 1 : 0);
      const moved = { ...params, split_axis: shift(split_axis), concat_axis: shift(concat_axis) };
      return { outs: bind(allToAll, [x], moved), dims: [dim] };
    }
    refuseGroups("all_to_all", axis_index_groups);
    const [y, d] = dim === null ? [broadcasted(x, [size]), 0] : [x, dim];
    if (names.length > 1) return exchangeAmong(size, y, d, params, names.indexOf(axisName));
    if (split_axis !== concat_axis) {
      const joined = foldAxis(transposed(y, moving(y.ndim, d, concat_axis)), concat_axis);
      return { outs: [splitAxis(joined, split_axis, size)], dims: [split_axis] };
    }
    const axis = split_axis + (d <= split_axis ? 1 : 0);
    const parts = splitAxis(y, axis, size);
    const other = axis <= d ? d + 1 : d;
    const order = range(parts.ndim);
    [order[axis], order[other]] = [other, axis];
    return { outs: [foldAxis(transposed(parts, order), axis)], dims: [d] };
  },
  axisNames: ({ axis_name }) => namesOf(axis_name),
};

const moving = (ndim: number, from: number, to: number): number[] =>
  inserted(without(range(ndim), [from]), canonicalAxis(to, ndim), from);

/** One of several names: the chunks of those before and after it are gathered into leading axes. */
function exchangeAmong(size: number, x: NDArray, dim: number, params: AllToAllParams, position: number): BatchResult {
  const names = namesOf(params.axis_name);
  const [major, minor] = [names.slice(0, position), names.slice(position + 1)];
  let y = expanded(transposed(x, moving(x.ndim, dim, 0)), [0, 2]);
  let split = params.split_axis + 3;
  let concat = params.concat_axis + 3;
  const among = (axis_name: readonly AxisName[], to: number): NDArray =>
    bind1(allToAll, [y], { ...params, axis_name, split_axis: split, concat_axis: to });
  if (major.length > 0) y = among(major, 0);
  y = splitAxis(y, split, size);
  const place = split - 3;
  if (split <= concat) concat++;
  split++;
  if (minor.length > 0) y = among(minor, 2);
  y = foldAxis(foldAxis(y, 0), 0);
  concat -= 2;
  y = foldAxis(transposed(y, moving(y.ndim, 0, concat - 1)), concat - 1);
  return { outs: [y], dims: [place] };
}

export const exchangePrimitives = [ppermute, pbroadcast, allGather, reduceScatter, allToAll] as const;
