/** Vectorization of functions of nested values. */
import { argNames, functionName, passFor } from "../argNames.ts";
import { matchAxis } from "../core/axes.ts";
import type { AxisName } from "../core/axisNames.ts";
import { BatchTrace } from "../core/batch.ts";
import type { NDArray } from "../core/array.ts";
import { currentTrace } from "../core/interpreter.ts";
import { RematTypeError, UnsupportedError, VmapAxisError } from "../errors.ts";
import { broadcastPrefix, leaves as leavesOf, unflatten } from "../tree.ts";
import { callPure, flattenArgs, flattenResult, requireFunction, type AnyFunction } from "./flat.ts";

/** A batch axis for each leaf: an integer, null for none, or containers of them that match a prefix of the arguments. */
export type AxisTree = number | null | readonly AxisTree[] | { readonly [key: string]: AxisTree };

export interface VmapOptions {
  /** Which axis of each argument is mapped. One entry for all arguments, or an array with one for each. */
  readonly inAxes?: AxisTree;
  /** Where the mapped axis stands in each result; null for results that do not depend on it. */
  readonly outAxes?: AxisTree;
  /** The size of the axis, needed only if nothing is mapped. */
  readonly axisSize?: number;
  /** A name for the axis, by which `lax.psum`, `lax.axisIndex` and their like speak of it inside of the function. */
  readonly axisName?: AxisName | null;
}

const isNull = (x: unknown): boolean => x === null;

/**
 * Maps a function over an axis of its arguments: as if it were called for each slice and the results stacked, but as one program.
 *
 * @throws VmapAxisError if the mapped axes differ in size, or an argument has no such axis.
 * @example
 * vmap((x: NDArray, y: NDArray) => np.dot(x, y), { inAxes: [0, null] })(np.ones([5, 3]), np.ones([3])); // 5 numbers
 */
export function vmap<F extends AnyFunction>(f: F, options: VmapOptions = {}): F {
  requireFunction(f, "vmap");
  const { inAxes = 0, outAxes = 0, axisSize, axisName = null } = options;
  checkName(axisName);
  refuseDevices(options);
  checkAxes("in_axes", inAxes);
  checkAxes("out_axes", outAxes);
  const name = functionName(f);
  const mapped = (...args: readonly unknown[]): unknown => {
    if (Array.isArray(inAxes) && inAxes.length !== args.length) {
      throw new VmapAxisError(
        "vmap in_axes must be an int, None, or a tuple of entries corresponding to the positional arguments passed to the function, but got " +
          `len(in_axes)=${inAxes.length}, len(args)=${args.length}. Give one entry for each argument.`,
      );
    }
    const { leaves, treedef } = flattenArgs(f, args);
    const axes = broadcastPrefix(inAxes, args, isNull) as (number | null)[];
    const dims = axes.map((axis, i) => (axis === null ? null : canonicalMappedAxis(axis, leaves[i])));
    const size = mappedSize(f, args, leaves, dims, axisSize);
    const parent = currentTrace();
    const trace = new BatchTrace(parent, size, axisName);
    const tracers = leaves.map((x, i) => trace.wrap(x, dims[i]));
    try {
      const result = trace.run(() => callPure(f, unflatten(treedef, tracers) as readonly unknown[], "vmap"));
      const flat = flattenResult(result, name, "vmap");
      const destinations = broadcastPrefix(outAxes, result, isNull) as (number | null)[];
      const outs = flat.leaves.map((x, i) => placeAxis(trace, x, destinations[i], i));
      return unflatten(flat.treedef, outs);
    } finally {
      trace.live = false;
    }
  };
  return passFor(mapped, f) as unknown as F;
}

function checkAxes(what: string, axes: AxisTree): void {
  for (const leaf of leavesOf(axes, isNull)) {
    if (leaf !== null && !(typeof leaf === "number" && Number.isInteger(leaf))) {
      throw new RematTypeError(
        `vmap ${what} must be an int, None, or (nested) container with those types as leaves, but got ${JSON.stringify(axes)}.`,
      );
    }
  }
}

function checkName(axisName: unknown): void {
  if (axisName === null || typeof axisName === "string") return;
  throw new RematTypeError(
    `vmap's axisName is a string, got ${String(axisName)}. Name the axis, as in { axisName: "batch" }.`,
  );
}

function refuseDevices(options: object): void {
  if (!("spmdAxisName" in options) || options.spmdAxisName === undefined || options.spmdAxisName === null) return;
  throw new UnsupportedError(
    `vmap was given spmdAxisName ${JSON.stringify(options.spmdAxisName)}, which spreads the mapped axis over devices: there is one device here. ` +
      "Leave it out; to speak of the axis inside of the function, give axisName.",
  );
}

function canonicalMappedAxis(axis: number, x: NDArray): number {
  const needed = axis >= 0 ? axis + 1 : -axis;
  if (x.ndim < needed) {
    const shape = `(${x.shape.join(", ")}${x.ndim === 1 ? "," : ""})`;
    throw new VmapAxisError(
      `vmap was requested to map its argument along axis ${axis}, which implies that its rank should be at least ${needed}, but is only ${x.ndim} ` +
        `(its shape is ${shape}). Choose another axis in inAxes, or null to leave the argument unmapped.`,
    );
  }
  return axis < 0 ? axis + x.ndim : axis;
}

function mappedSize(
  f: AnyFunction,
  args: readonly unknown[],
  leaves: readonly NDArray[],
  dims: readonly (number | null)[],
  axisSize: number | undefined,
): number {
  if (leaves.length === 0 && axisSize === undefined) {
    throw new VmapAxisError(
      "vmap wrapped function must be passed at least one argument containing an array or axis_size must be specified, got empty *args. Set axisSize.",
    );
  }
  const sizes = leaves.map((x, i) => {
    const dim = dims[i];
    return dim === null ? null : x.shape[dim];
  });
  const distinct = new Set(sizes.filter((s) => s !== null));
  if (axisSize !== undefined) distinct.add(axisSize);
  if (distinct.size === 0) {
    throw new VmapAxisError(
      "vmap must have at least one non-None value in in_axes or axis_size must be specified. Set axisSize.",
    );
  }
  const [size] = distinct;
  if (distinct.size === 1) return size;
  const names = argNames(f, args);
  const lines = sizes.flatMap((s, i) =>
    s === null
      ? []
      : [
          `\n  * axis ${String(dims[i])} of argument ${names[i]} of type ${leaves[i].aval.toLongString()} has size ${s}`,
        ],
  );
  throw new VmapAxisError(
    `vmap got inconsistent sizes for array axes to be mapped:${axisSize === undefined ? "" : `\n  * the axis_size argument was ${axisSize}`}` +
      `${lines.join("")}\nAll mapped axes must have one size.${groups(sizes)}`,
  );
}

/** How many axes have each size. */
function groups(sizes: readonly (number | null)[]): string {
  const counts = new Map<number, number>();
  for (const s of sizes) if (s !== null) counts.set(s, (counts.get(s) ?? 0) + 1);
  const many = [...counts].filter(([, n]) => n > 1).map(([s, n]) => `${n} of them have size ${s}`);
  return many.length === 0 ? "" : ` (${many.join("; ")})`;
}

function placeAxis(trace: BatchTrace, x: NDArray, to: number | null, position: number): NDArray {
  const [value, dim] = trace.unwrap(x);
  if (to === null) {
    if (dim === null) return value;
    throw new VmapAxisError(
      `at vmap out_axes[${position}], got axis spec None but output was batched on axis ${dim}: the result depends on the mapped axis. ` +
        "Give it an axis in outAxes.",
    );
  }
  const ndim = dim === null ? value.ndim + 1 : value.ndim;
  if (to < -ndim || to >= ndim) {
    throw new VmapAxisError(`at vmap out_axes, axis ${to} is out of bounds for an output with ${ndim} axes.`);
  }
  return matchAxis(trace.size, dim, to < 0 ? to + ndim : to, value);
}
