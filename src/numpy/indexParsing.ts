/**
 * NumPy's indices, read: `x[1, ..., None, ::2, [0, 2]]` is `getitem(x, 1, "...", null, slice(null, null, 2), [0, 2])`. Parsing finds out
 * which axes of the array each index consumes; what is done with them is the business of `indexing.ts`.
 */
import { ConcreteArray, NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import { isInteger } from "../core/dtype.ts";
import { allocate, canonicalDType, isHostScalar, writeElement, type HostScalar } from "../core/scalar.ts";
import { NonConcreteBooleanIndexError, RematIndexError, RematTypeError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";
import { asarray, concreteValue, type ArrayLike, type NestedArray } from "./asarray.ts";

type SlicePart = number | NDArray | null;

/** A range of an axis, made by `slice`. */
export class Slice {
  readonly start: SlicePart;
  readonly stop: SlicePart;
  readonly step: SlicePart;
  constructor(start: SlicePart, stop: SlicePart, step: SlicePart) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  /** As Python prints it. */
  toString(): string {
    const text = (p: SlicePart): string =>
      p === null ? "None" : p instanceof NDArray ? `Tracer(${p.aval.toLongString()})` : String(p);
    return `slice(${text(this.start)}, ${text(this.stop)}, ${text(this.step)})`;
  }
}

/**
 * A range of an axis in an index, as Python's `start:stop:step`: `slice(3)` is `:3`, `slice(1, null)` is `1:`, `slice(null, null, -1)` is
 * `::-1`, `slice()` is `:`.
 */
export function slice(...parts: readonly (SlicePart | undefined)[]): Slice {
  const [a = null, b = null, step = null] = parts;
  return parts.length < 2 ? new Slice(null, a, null) : new Slice(a, b, step);
}

/** One index: a number, a slice, `"..."`, null for a new axis, an array of integers, or a mask. */
export type Index = HostScalar | Slice | "..." | null | NDArray | NestedArray;

/** An index with the axes of the array that it consumes. */
export type ParsedIndex =
  | { readonly kind: "none" | "ellipsis"; readonly axes: readonly number[] }
  | { readonly kind: "slice"; readonly slice: Slice; readonly axes: readonly number[] }
  | { readonly kind: "integer"; readonly value: number; readonly axes: readonly number[] }
  | { readonly kind: "boolean"; readonly mask: NDArray; readonly axes: readonly number[] }
  /** `host` tells an array made from a mask: what can be computed of it is computed at once. */
  | { readonly kind: "array"; readonly array: NDArray; readonly axes: readonly number[]; readonly host?: boolean };

const ALL = new Slice(null, null, null);
const wrongType = (dtype: string): never => {
  throw new RematTypeError(
    `an array was indexed: Indexer must have integer or boolean type, got indexer with type ${dtype}.\n` +
      'Indices are integers, slice(start, stop, step), "...", null, and arrays of integers or booleans; convert with x.astype("int32").',
  );
};

function parseOne(index: Index): ParsedIndex {
  const axes: readonly number[] = [];
  if (index === null) return { kind: "none", axes };
  if (index === "...") return { kind: "ellipsis", axes };
  if (index instanceof Slice) return { kind: "slice", slice: index, axes };
  if (typeof index === "bigint" || (typeof index === "number" && Number.isInteger(index))) {
    return { kind: "integer", value: Number(index), axes };
  }
  if (typeof index === "boolean") return { kind: "boolean", mask: asarray(index), axes };
  if (typeof index === "number") return wrongType("float64");
  if (typeof index === "string") {
    throw new RematTypeError(
      `JAX does not support string indexing; got idx='${String(index)}'. An ellipsis is the string "...".`,
    );
  }
  if (index instanceof NDArray || Array.isArray(index)) {
    // a list without elements counts as a list of integers
    const array = index instanceof NDArray ? index : (emptyIndex(index) ?? asarray(indexArray(index)));
    if (array.dtype === "bool") return { kind: "boolean", mask: array, axes };
    if (!isInteger(array.dtype)) return wrongType(array.dtype);
    if (array instanceof ConcreteArray && array.literal) return { kind: "integer", value: Number(array.data[0]), axes };
    return { kind: "array", array, axes };
  }
  throw new RematIndexError(
    "only integers, slices (`:`), ellipsis (`...`), newaxis (`None`) and integer or boolean arrays are valid indices. " +
      `Got ${describe(index)}. Slices are made by np.slice(start, stop, step), an ellipsis is the string "...", a new axis is null.`,
  );
}

const describe = (x: unknown): string =>
  typeof x === "object" && x !== null ? (x.constructor?.name ?? "an object") : typeof x;

const allWhole = (x: unknown): boolean =>
  Array.isArray(x) ? x.every(allWhole) : typeof x === "bigint" || (typeof x === "number" && Number.isInteger(x));

/** What is given where indices are meant: lists of whole numbers are integers there. */
export const indexArray = (x: ArrayLike): ArrayLike =>
  Array.isArray(x) && allWhole(x) ? asarray(x, { dtype: canonicalDType("int64") }) : x;

function emptyIndex(list: NestedArray): NDArray | null {
  return list.length > 0 ? null : new ConcreteArray(new ShapedArray([0], "int32"), new Int32Array(0));
}

/** Finds the axes that each index consumes. */
export function parseIndices(indices: readonly Index[], shape: Shape): ParsedIndex[] {
  const parsed = indices.map(parseOne);
  const consumed = parsed.map((p) =>
    p.kind === "none" || p.kind === "ellipsis" ? 0 : p.kind === "boolean" ? p.mask.ndim : 1,
  );
  const ellipsis = parsed.findIndex((p) => p.kind === "ellipsis");
  if (parsed.filter((p) => p.kind === "ellipsis").length > 1) {
    throw new RematIndexError(
      "an index can only have a single ellipsis ('...'). Write slice() for all but one of them.",
    );
  }
  const total = consumed.reduce((n, c) => n + c, 0);
  if (total > shape.length) {
    throw new RematIndexError(
      `Too many indices: array is ${shape.length}-dimensional, but ${total} were indexed. The shape is ${tupleText(shape)}.`,
    );
  }
  if (ellipsis >= 0) consumed[ellipsis] = shape.length - total;
  let axis = 0;
  return parsed.map((p, i) => {
    const axes = range(consumed[i], axis);
    axis += consumed[i];
    return { ...p, axes };
  });
}

/** Replaces the ellipsis and what is missing at the end by full slices. */
export function expandEllipses(indices: readonly ParsedIndex[], ndim: number): ParsedIndex[] {
  const whole = (axis: number): ParsedIndex => ({ kind: "slice", slice: ALL, axes: [axis] });
  const consumed = indices.reduce((n, p) => n + p.axes.length, 0);
  return [
    ...indices.flatMap((p) => (p.kind === "ellipsis" ? p.axes.map(whole) : [p])),
    ...range(ndim - consumed, consumed).map(whole),
  ];
}

/** Replaces masks by the indices of their true elements; scalar booleans stay. */
export function expandMasks(indices: readonly ParsedIndex[], shape: Shape): ParsedIndex[] {
  return indices.flatMap((p, position): ParsedIndex[] => {
    if (p.kind !== "boolean") return [p];
    const mask = concreteValue(p.mask);
    if (mask === null) {
      throw new NonConcreteBooleanIndexError(
        `an array was indexed by a mask: Array boolean indices must be concrete; got ${p.mask.aval.toString()}.\n` +
          "The number of true elements, and so the shape of the result, is not known while tracing. Use np.where(mask, x, y), or " +
          "np.nonzero with { size }.",
      );
    }
    if (mask.ndim === 0) return [{ ...p, mask }];
    const expected = p.axes.map((a) => shape[a]);
    if (mask.shape.some((n, i) => n !== 0 && n !== expected[i])) {
      throw new RematIndexError(
        `boolean index did not match shape of indexed array in index ${position}: got ${tupleText(mask.shape)}, expected ` +
          `[${expected.join(", ")}]. A mask has the shape of the axes that it selects from.`,
      );
    }
    return trueIndices(mask).map((array, i): ParsedIndex => ({ kind: "array", array, axes: [p.axes[i]], host: true }));
  });
}

/** The places of the true elements of a mask: one vector of indices for each axis, as `nonzero` gives them. */
export function trueIndices(mask: ConcreteArray): ConcreteArray[] {
  const places: number[] = [];
  for (let i = 0; i < mask.size; i++) if (mask.data[i]) places.push(i);
  const aval = new ShapedArray([places.length], canonicalDType("int64"));
  let stride = mask.size;
  return mask.shape.map((n) => {
    stride /= Math.max(1, n);
    const data = allocate(aval);
    places.forEach((p, i) => {
      writeElement(data, aval.dtype, i, Math.floor(p / stride) % n);
    });
    return new ConcreteArray(aval, data);
  });
}

/** Checks that the parts of all slices are known. */
export function checkSlices(indices: readonly ParsedIndex[]): void {
  indices.forEach((p, position) => {
    if (
      p.kind === "slice" &&
      [p.slice.start, p.slice.stop, p.slice.step].some((part) => hostPart(part) === undefined)
    ) {
      throw new RematIndexError(
        `Slice entries must be static integers. Got ${p.slice.toString()} at position ${position}. The shape of the result would not be ` +
          "known while tracing: use lax.dynamicSlice with a fixed size, or a mask with np.where.",
      );
    }
  });
}

/** A part of a slice as a number; undefined if it is not known. */
function hostPart(part: SlicePart): number | null | undefined {
  if (part === null || isHostScalar(part)) return part;
  const known = concreteValue(part);
  return known === null ? undefined : Number(known.data[0]);
}

/** A slice applied to an axis of the given size, as Python's `slice.indices`. */
export function sliceBounds(s: Slice, size: number): { start: number; stop: number; step: number } {
  const step = hostPart(s.step) ?? 1;
  if (step === 0)
    throw new RematIndexError(`slice step cannot be zero, got ${s.toString()}. Leave it out for steps of 1.`);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (part: number | null | undefined, otherwise: number): number => {
    if (part === null || part === undefined) return otherwise;
    return Math.max(low, Math.min(part < 0 ? part + size : part, high));
  };
  return step > 0
    ? { start: clamp(hostPart(s.start), 0), stop: clamp(hostPart(s.stop), size), step }
    : { start: clamp(hostPart(s.start), size - 1), stop: clamp(hostPart(s.stop), -1), step };
}

/** The number of elements of a range. */
export const sliceLength = ({ start, stop, step }: { start: number; stop: number; step: number }): number =>
  Math.max(0, Math.ceil((stop - start) / step));

/** True for `:`. */
export const isWhole = (s: Slice): boolean => s.start === null && s.stop === null && s.step === null;
