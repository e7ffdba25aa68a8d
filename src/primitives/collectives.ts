/**
 * Operations that speak of mapped axes by their names: sums, maxima and minima along them (`psum`, `pmax`, `pmin`) and the place on one
 * (`axis_index`). Under `vmap` with a name, batching turns the name into the axis of the array that is mapped; what was one call for each slice
 * becomes one reduction, and its result is the same for all slices. The operations that move values between slices are in `exchanges.ts`.
 *
 * As in JAX, a sum along a name is its own transpose, so that gradients inside of a mapped function are those of the sum over all slices.
 */
import type { NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { sizeOfAxis, type AxisName } from "../core/axisNames.ts";
import { bind, bind1 } from "../core/interpreter.ts";
import type { BatchResult, Primitive } from "../core/primitive.ts";
import { UnsupportedError } from "../errors.ts";
import { isLinear, linearJvp } from "./algebra.ts";
import { mul } from "./arithmetic.ts";
import { remaining } from "./axes.ts";
import { constLike } from "./broadcasting.ts";
import { counted } from "./iota.ts";
import { broadcastedInDim, movedAxis, reducedShape } from "./shape.ts";

export type Groups = readonly (readonly number[])[] | null;

export type CollectiveParams = {
  /** Names of mapped axes, and axes of the operand itself. */
  readonly axes: readonly (AxisName | number)[];
  readonly axis_index_groups: Groups;
};

const isPlace = (axis: AxisName | number): axis is number => typeof axis === "number";

function collectiveType(name: string, x: ShapedArray, { axes }: CollectiveParams): ShapedArray[] {
  for (const axis of axes) if (!isPlace(axis)) sizeOfAxis(axis, name);
  return [x.update({ shape: reducedShape(x, axes.filter(isPlace)) })];
}

/** Batching knows no groups of indices, as in JAX. */
export function refuseGroups(name: string, groups: Groups): void {
  if (groups === null) return;
  throw new UnsupportedError(
    `${name} got axis_index_groups ${JSON.stringify(groups)}: axis_index_groups not supported in vmap collectives. ` +
      "Reduce over the whole axis, or give the groups an axis of their own by a nested vmap.",
  );
}

function collectiveBatch(
  primitive: Primitive<CollectiveParams>,
  size: number,
  x: NDArray,
  dim: number | null,
  { axes, axis_index_groups }: CollectiveParams,
  axisName: AxisName | null,
): BatchResult {
  const named = axisName !== null && axes.includes(axisName);
  if (!named && !axes.some(isPlace)) return { outs: bind(primitive, [x], { axes, axis_index_groups }), dims: [dim] };
  refuseGroups(primitive.name, axis_index_groups);
  if (dim === null) {
    const others = axes.filter((a) => a !== axisName);
    const y = others.length === 0 ? x : bind1(primitive, [x], { axes: others, axis_index_groups });
    return { outs: [primitive === psum ? mul(constLike(y, size), y) : y], dims: [null] };
  }
  const front = movedAxis(x, dim, 0);
  const places = axes.map((a) => (isPlace(a) ? a + 1 : a === axisName ? 0 : a));
  return {
    outs: bind(primitive, [front], { axes: places, axis_index_groups: null }),
    dims: [named ? null : 0],
  };
}

function collective(name: string): Primitive<CollectiveParams> {
  const self: Primitive<CollectiveParams> = {
    name,
    type: ([x], params) => collectiveType(name, x, params),
    batch: (size, [x], [dim], params, _body, axisName) => collectiveBatch(self, size, x, dim, params, axisName),
    axisNames: ({ axes }) => axes,
  };
  return self;
}

export const psum: Primitive<CollectiveParams> = {
  ...collective("psum"),
  batch: (size, [x], [dim], params, _body, axisName) => collectiveBatch(psum, size, x, dim, params, axisName),
  jvp: linearJvp(() => psum),
  transpose([ct], [x], { axes, axis_index_groups }) {
    if (!isLinear(x)) return [null];
    const places = axes.filter(isPlace);
    const { shape } = x.aval;
    const spread = places.length === 0 ? ct! : broadcastedInDim(ct!, shape, remaining(shape.length, places));
    return bind(psum, [spread], { axes: axes.filter((a) => !isPlace(a)), axis_index_groups });
  },
};

export const pmax: Primitive<CollectiveParams> = collective("pmax");
export const pmin: Primitive<CollectiveParams> = collective("pmin");

export type AxisIndexParams = { readonly axis_name: AxisName };

/** Where on a mapped axis a call stands. */
export const axisIndexP: Primitive<AxisIndexParams> = {
  name: "axis_index",
  type(_avals, { axis_name }) {
    sizeOfAxis(axis_name, "axis_index");
    return [new ShapedArray([], "int32")];
  },
  jvp: (_primals, _tangents, params) => ({ primals: bind(axisIndexP, [], params), tangents: [null] }),
  batch(size, _args, _dims, { axis_name }, _body, axisName) {
    if (axis_name === axisName) return { outs: [counted("int32", [size], 0)], dims: [0] };
    return { outs: bind(axisIndexP, [], { axis_name }), dims: [null] };
  },
  axisNames: ({ axis_name }) => [axis_name],
};

export const collectivePrimitives = [psum, pmax, pmin, axisIndexP] as const;
