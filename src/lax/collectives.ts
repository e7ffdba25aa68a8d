/**
 * Operations along mapped axes that have names: what the calls of a function under `vmap(f, { axisName: "i" })` tell one another. Each takes nested
 * values and the name of the axis, or several names of axes for nested maps.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { sizeOfAxis, type AxisName } from "../core/axisNames.ts";
import { bind1, Tracer } from "../core/interpreter.ts";
import { elementOf, literal } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { toArray, type ArrayLike } from "../numpy/asarray.ts";
import { trueDivide } from "../numpy/ufuncs.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { canonicalAxis, tupleText } from "../primitives/axes.ts";
import { constLike } from "../primitives/broadcasting.ts";
import * as c from "../primitives/collectives.ts";
import { convertElementType } from "../primitives/convert.ts";
import * as e from "../primitives/exchanges.ts";
import { expanded, squeezed, summed } from "../primitives/shape.ts";
import { map as mapTree, type MapTree } from "../tree.ts";

export type { AxisName } from "../core/axisNames.ts";

/** One name of a mapped axis, or several; for reductions also axes of the array itself, by number. */
export type AxisNames = AxisName | readonly AxisName[];
export type ReducedAxes = AxisName | number | readonly (AxisName | number)[];

export interface CollectiveOptions {
  /** Groups of indices that keep to themselves. As in JAX, `vmap` refuses them. */
  readonly axisIndexGroups?: readonly (readonly number[])[] | null;
}

/** Nested values of arrays and numbers, each of which becomes an array. */
type Arrays<T> = MapTree<T, NDArray>;

const eachLeaf = <T>(name: string, x: T, f: (x: NDArray) => NDArray): Arrays<T> =>
  mapTree<T, NDArray, []>((leaf: unknown) => f(toArray(leaf as ArrayLike, name)), x);

const listOf = <T extends string | number>(axes: T | readonly T[]): readonly T[] =>
  typeof axes === "object" ? [...axes] : [axes];

function groupsOf(options: CollectiveOptions): c.Groups {
  const groups = options.axisIndexGroups ?? null;
  if (groups === null) return null;
  const all = groups.flat().toSorted((a, b) => a - b);
  if (all.some((index, i) => index !== i)) {
    throw new RematValueError(
      `axis_index_groups must cover all indices exactly once, got ${JSON.stringify(groups)}. Put each index into one group.`,
    );
  }
  return groups;
}

/** The size of mapped axes: a number of the host. */
export const axisSize = (axisName: AxisNames): number =>
  listOf(axisName).reduce((n, name) => n * sizeOfAxis(name, "axis_size"), 1);

/** Where on a mapped axis this call stands, from 0; with several names, the place in the order of all their slices. */
export function axisIndex(axisName: AxisNames): NDArray {
  if (typeof axisName === "string") return bind1(c.axisIndexP, [], { axis_name: axisName });
  let inner = 1;
  let index: NDArray = literal(0, "int32");
  for (const name of axisName.toReversed()) {
    const place = axisIndex(name);
    index = add(index, mul(place, constLike(place, inner)));
    inner *= sizeOfAxis(name, "axis_index");
  }
  return index;
}

/** What is no tracer is the same in every slice, so its sum is a product. */
function sumOfConstant(x: NDArray, axes: readonly (AxisName | number)[]): NDArray {
  const size = axes.reduce<number>((n, a) => (typeof a === "number" ? n : n * sizeOfAxis(a, "psum")), 1);
  const places = axes.filter((a) => typeof a === "number").map((a) => canonicalAxis(a, x.ndim));
  if (places.length === 0 && x instanceof ConcreteArray && x.literal && x.ndim === 0) {
    const value = x.host ?? elementOf(x);
    if (typeof value === "number") return constLike(x, size * value);
  }
  return mul(constLike(x, size), places.length === 0 ? x : summed(x, places));
}

/**
 * The sum along mapped axes. Booleans are counted. The sum of a number of the host is that number times the size of the axis.
 *
 *     vmap((x: NDArray) => x.div(lax.psum(x, "i")), { axisName: "i" })(np.arange(4)) // [0, 1/6, 1/3, 1/2]
 *
 * @throws UnboundAxisNameError if no axis that is mapped has the name.
 */
export function psum<T>(x: T, axisName: ReducedAxes, options: CollectiveOptions = {}): Arrays<T> {
  const axes = listOf(axisName);
  if (axes.length === 0) return x as Arrays<T>;
  const axis_index_groups = groupsOf(options);
  return eachLeaf("psum", x, (leaf) => {
    const y = leaf.dtype === "bool" ? convertElementType(leaf, "int32") : leaf;
    if (!(y instanceof Tracer) && axis_index_groups === null) return sumOfConstant(y, axes);
    return bind1(c.psum, [y], { axes, axis_index_groups });
  });
}

/** The mean along mapped axes: their sum divided by their size. */
export function pmean<T>(x: T, axisName: AxisNames, options: CollectiveOptions = {}): Arrays<T> {
  const total = psum(x, axisName, options);
  const size = axisSize(axisName);
  return eachLeaf("pmean", total, (leaf) => trueDivide(leaf, size)) as Arrays<T>;
}

const extreme =
  (primitive: typeof c.pmax) =>
  <T>(x: T, axisName: ReducedAxes, options: CollectiveOptions = {}): Arrays<T> => {
    const params = { axes: listOf(axisName), axis_index_groups: groupsOf(options) };
    return eachLeaf(primitive.name, x, (leaf) => bind1(primitive, [leaf], params));
  };

/** The maximum along mapped axes. As in JAX, it cannot be differentiated. */
export const pmax: <T>(x: T, axisName: ReducedAxes, options?: CollectiveOptions) => Arrays<T> = extreme(c.pmax);
/** The minimum along mapped axes. As in JAX, it cannot be differentiated. */
export const pmin: <T>(x: T, axisName: ReducedAxes, options?: CollectiveOptions) => Arrays<T> = extreme(c.pmin);

/** Sends slices to other places along a mapped axis: `perm` holds pairs of a source and a destination, one pair for each place. */
export function ppermute<T>(x: T, axisName: AxisNames, perm: readonly (readonly [number, number])[]): Arrays<T> {
  const params = { axis_name: listOf(axisName), perm };
  return eachLeaf("ppermute", x, (leaf) => bind1(e.ppermute, [leaf], params));
}

/** Slices in another order: the one at place i comes from place `perm[i]`. */
export function pshuffle<T>(x: T, axisName: AxisNames, perm: readonly number[]): Arrays<T> {
  if (perm.toSorted((a, b) => a - b).some((p, i) => p !== i)) {
    throw new RematValueError(
      `\`perm\` does not represent a permutation: [${perm.join(", ")}]. Name each place once, from 0 to ${perm.length - 1}.`,
    );
  }
  return ppermute(
    x,
    axisName,
    perm.map((source, destination) => [source, destination] as const),
  );
}

/** Gives every slice that of one place. */
export function pbroadcast<T>(x: T, axisName: AxisNames, source: number): Arrays<T> {
  const params = { axis_name: listOf(axisName), source };
  return eachLeaf("pbroadcast", x, (leaf) => bind1(e.pbroadcast, [leaf], params));
}

export interface AllGatherOptions extends CollectiveOptions {
  /** Where the slices are stacked; 0 by default. */
  readonly axis?: number;
  /** Joins the slices along an axis that is there, rather than stacking them along a new one. */
  readonly tiled?: boolean;
}

/** All slices of a mapped axis, stacked, for each of them. */
export function allGather<T>(x: T, axisName: AxisNames, options: AllGatherOptions = {}): Arrays<T> {
  const { axis = 0, tiled = false } = options;
  const axis_name = listOf(axisName);
  if (axis_name.length === 0) return x as Arrays<T>;
  const axis_index_groups = groupsOf(options);
  const axis_size = axis_index_groups === null ? axisSize(axisName) : axis_index_groups[0].length;
  return eachLeaf("all_gather", x, (leaf) =>
    bind1(e.allGather, [leaf], {
      all_gather_dimension: canonicalAxis(axis, tiled ? leaf.ndim : leaf.ndim + 1),
      axis_index_groups,
      axis_name,
      axis_size,
      tiled,
    }),
  );
}

export interface PsumScatterOptions extends CollectiveOptions {
  /** The axis whose elements the slices share out; 0 by default. */
  readonly scatterDimension?: number;
  /** Keeps the axis, so that a slice may take several elements. */
  readonly tiled?: boolean;
}

/** The sum along a mapped axis, of which each slice takes its part. */
export function psumScatter<T>(x: T, axisName: AxisNames, options: PsumScatterOptions = {}): Arrays<T> {
  const { scatterDimension = 0, tiled = false } = options;
  const axis_name = listOf(axisName);
  if (axis_name.length === 0) return x as Arrays<T>;
  const axis_index_groups = groupsOf(options);
  const axis_size = axis_index_groups === null ? axisSize(axisName) : axis_index_groups[0].length;
  return eachLeaf("psum_scatter", x, (leaf) => {
    const scatter_dimension = canonicalAxis(scatterDimension, leaf.ndim);
    return bind1(e.reduceScatter, [leaf], { axis_index_groups, axis_name, axis_size, scatter_dimension, tiled });
  });
}

export interface AllToAllOptions extends CollectiveOptions {
  /** Cuts `splitAxis` into chunks and joins them along `concatAxis`, so that no axis comes or goes. */
  readonly tiled?: boolean;
}

/** Maps `splitAxis` in place of the named axis, which becomes an axis of the array, at `concatAxis`. */
export function allToAll<T>(
  x: T,
  axisName: AxisNames,
  splitAxis: number,
  concatAxis: number,
  options: AllToAllOptions = {},
): Arrays<T> {
  const { tiled = false } = options;
  const axis_index_groups = groupsOf(options);
  const size = axis_index_groups === null ? axisSize(axisName) : axis_index_groups[0].length;
  return eachLeaf("all_to_all", x, (leaf) => {
    const split = canonicalAxis(splitAxis, leaf.ndim);
    const concat = canonicalAxis(concatAxis, leaf.ndim);
    checkSplit(leaf, split, size, axisName, tiled);
    const call = (y: NDArray, split_axis: number, concat_axis: number): NDArray =>
      bind1(e.allToAll, [y], { axis_index_groups, axis_name: axisName, concat_axis, split_axis, tiled });
    if (tiled || split === concat) return call(leaf, split, concat);
    // The place where the slices will be stood once the split axis is gone.
    if (split < concat) return squeezed(call(expanded(leaf, [concat + 1]), split, concat + 1), [split]);
    return squeezed(call(expanded(leaf, [concat]), split + 1, concat), [split + 1]);
  });
}

function checkSplit(x: NDArray, axis: number, size: number, names: AxisNames, tiled: boolean): void {
  const n = x.shape[axis];
  if (tiled && n % size !== 0) {
    throw new RematValueError(
      `The size of all_to_all split_axis (${n}) has to be divisible by the size of the named axis ${listOf(names).join(", ")} (${size}): ` +
        `the array has shape ${tupleText(x.shape)}. Pad it.`,
    );
  }
  if (!tiled && n !== size) {
    throw new RematValueError(
      `all_to_all requires the size of the mapped axis axis_name to equal x.shape[split_axis], but they are ${size} and ${n} respectively. ` +
        "Set tiled to give each slice several elements.",
    );
  }
}

/** Swaps the mapped axis with an axis of the array of the same size. */
export const pswapaxes = <T>(x: T, axisName: AxisNames, axis: number, options: CollectiveOptions = {}): Arrays<T> =>
  allToAll(x, axisName, axis, axis, options);
