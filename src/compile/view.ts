/**
 * Views: how the elements of one array lie in the buffer of another. Broadcasts, transposes, slices, reversals, paddings with a constant and most
 * reshapes move no element; they change the strides with which a kernel reads. A view is affine: element (i, j, ...) lies at
 * offset + i * strides[0] + j * strides[1] + ..., and outside of its guards it is a constant.
 */
import { sizeOf, type Shape } from "../core/aval.ts";

/** Along dimension `dim` only the places lo <= i < hi are read; elsewhere the element is the view's fill. */
export interface Guard {
  readonly dim: number;
  readonly lo: number;
  readonly hi: number;
}

export interface View {
  readonly shape: Shape;
  /** In elements. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly guards: readonly Guard[];
  /** What stands outside of the guards: one scalar of the array's dtype, as its bits in a typed array of one element. */
  readonly fill: Fill | null;
}

/** A scalar as an element of its storage. */
export type Fill = number | bigint;

/** Row-major strides. */
export function rowMajor(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i];
  }
  return strides;
}

/** All elements in their order. */
export const identityView = (shape: Shape): View => ({
  shape,
  strides: rowMajor(shape),
  offset: 0,
  guards: [],
  fill: null,
});

/** True if the view has all elements of an array of `size` elements, in their order. */
export function isContiguous({ shape, strides, offset, guards }: View, size: number): boolean {
  if (guards.length > 0 || offset !== 0 || sizeOf(shape) !== size) return false;
  const plain = rowMajor(shape);
  return shape.every((d, i) => d === 1 || strides[i] === plain[i]);
}

export function broadcastView(view: View, shape: Shape, dims: readonly number[]): View {
  const strides = new Array<number>(shape.length).fill(0);
  dims.forEach((to, from) => {
    if (view.shape[from] !== 1) strides[to] = view.strides[from];
  });
  const guards = view.guards.map((g) => ({ ...g, dim: dims[g.dim] }));
  // A guarded dimension of length one that is broadcast: its guard decides at place 0.
  const stretched = view.guards.some((g) => view.shape[g.dim] === 1 && shape[dims[g.dim]] !== 1);
  if (stretched) {
    const open = guards.map((g, i) => {
      const inside = view.guards[i].lo <= 0 && view.guards[i].hi > 0;
      const wide = view.shape[view.guards[i].dim] === 1 && shape[g.dim] !== 1;
      return wide ? { dim: g.dim, lo: 0, hi: inside ? shape[g.dim] : 0 } : g;
    });
    return { ...view, shape, strides, guards: open };
  }
  return { ...view, shape, strides, guards };
}

export function transposeView(view: View, permutation: readonly number[]): View {
  const at = new Map(permutation.map((from, to) => [from, to]));
  return {
    ...view,
    shape: permutation.map((d) => view.shape[d]),
    strides: permutation.map((d) => view.strides[d]),
    guards: view.guards.map((g) => ({ ...g, dim: at.get(g.dim) as number })),
  };
}

/** Null where a guarded dimension is stepped over. */
export function sliceView(
  view: View,
  starts: readonly number[],
  limits: readonly number[],
  steps: readonly number[],
): View | null {
  let offset = view.offset;
  starts.forEach((s, d) => (offset += s * view.strides[d]));
  const shape = starts.map((s, d) => Math.max(0, Math.ceil((limits[d] - s) / steps[d])));
  if (view.guards.some((g) => steps[g.dim] !== 1)) return null;
  return {
    ...view,
    shape,
    strides: view.strides.map((s, d) => s * steps[d]),
    offset,
    guards: view.guards.map((g) => ({ dim: g.dim, lo: g.lo - starts[g.dim], hi: g.hi - starts[g.dim] })),
  };
}

export function reverseView(view: View, dims: readonly number[]): View {
  const flip = new Set(dims);
  let offset = view.offset;
  for (const d of flip) offset += (view.shape[d] - 1) * view.strides[d];
  return {
    ...view,
    strides: view.strides.map((s, d) => (flip.has(d) ? -s : s)),
    offset,
    guards: view.guards.map((g) =>
      flip.has(g.dim) ? { dim: g.dim, lo: view.shape[g.dim] - g.hi, hi: view.shape[g.dim] - g.lo } : g,
    ),
  };
}

/** Null for interior padding, and where the view is padded with another constant already. */
export function padView(
  view: View,
  config: readonly (readonly [low: number, high: number, interior: number])[],
  fill: Fill,
): View | null {
  if (config.some(([, , interior], d) => interior !== 0 && view.shape[d] > 1)) return null;
  if (view.guards.length > 0 && !Object.is(view.fill, fill)) return null;
  let offset = view.offset;
  config.forEach(([low], d) => (offset -= low * view.strides[d]));
  const shape = view.shape.map((n, d) => Math.max(0, n + config[d][0] + config[d][1]));
  const guards: Guard[] = view.guards.map((g) => ({
    dim: g.dim,
    lo: g.lo + config[g.dim][0],
    hi: g.hi + config[g.dim][0],
  }));
  config.forEach(([low, high], d) => {
    if (low > 0 || high > 0) guards.push({ dim: d, lo: low, hi: low + view.shape[d] });
  });
  return { ...view, shape, offset, guards: mergeGuards(guards), fill };
}

function mergeGuards(guards: readonly Guard[]): Guard[] {
  const byDim = new Map<number, Guard>();
  for (const g of guards) {
    const old = byDim.get(g.dim);
    byDim.set(g.dim, old === undefined ? g : { dim: g.dim, lo: Math.max(old.lo, g.lo), hi: Math.min(old.hi, g.hi) });
  }
  return [...byDim.values()];
}

/** The same elements in another shape, or null if they then don't lie in strides. */
export function reshapeView(view: View, shape: Shape): View | null {
  if (sizeOf(shape) === 0) return { shape, strides: rowMajor(shape), offset: view.offset, guards: [], fill: null };
  const strides = new Array<number>(shape.length).fill(0);
  const moved = new Map<number, number>();
  const from = view.shape.map((n, d) => ({ n, d })).filter(({ n }) => n !== 1);
  const to = shape.map((n, d) => ({ n, d })).filter(({ n }) => n !== 1);
  let i = 0;
  let j = 0;
  while (i < from.length && j < to.length) {
    const [i0, j0] = [i, j];
    let a = from[i++].n;
    let b = to[j++].n;
    while (a !== b) {
      if (a < b) {
        if (i >= from.length) return null;
        a *= from[i++].n;
      } else {
        if (j >= to.length) return null;
        b *= to[j++].n;
      }
    }
    const group = from.slice(i0, i);
    // The old dimensions of the group must follow one another in memory.
    for (let k = 0; k + 1 < group.length; k++) {
      if (view.strides[group[k].d] !== group[k + 1].n * view.strides[group[k + 1].d]) return null;
    }
    const guarded = group.some(({ d }) => view.guards.some((g) => g.dim === d));
    if (guarded && (group.length > 1 || j - j0 > 1)) return null;
    let stride = view.strides[group[group.length - 1].d];
    for (let k = j - 1; k >= j0; k--) {
      strides[to[k].d] = stride;
      stride *= to[k].n;
    }
    if (guarded) moved.set(group[0].d, to[j0].d);
  }
  const guards: Guard[] = [];
  for (const g of view.guards) {
    const dim = moved.get(g.dim);
    if (dim === undefined) return null;
    guards.push({ ...g, dim });
  }
  return { ...view, shape, strides, guards };
}
