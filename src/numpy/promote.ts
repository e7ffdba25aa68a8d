/**
 * Which dtype comes out when dtypes meet: JAX's promotion lattice. It is a partial order in which the weak types of host scalars stand
 * below the types of arrays of their kind, so that a scalar never widens an array; the result is the least upper bound.
 *
 *     bool - i* - u8 - u16 - u32 - u64 - f* - bf16 - f32 - f64
 *              \- i8 - i16 - i32 - i64 /    \- f16 /    \- c64 - c128   (c* between f* and c64)
 */
import type { NDArray } from "../core/array.ts";
import { x64Enabled } from "../core/config.ts";
import { dtypes, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { DTypeError, RematTypeError, RematValueError } from "../errors.ts";
import { convertElementType } from "../primitives/convert.ts";
import { broadcasted } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";

type WeakNode = "i*" | "f*" | "c*";
type Node = Exclude<DType, "float0" | "key<fry>"> | WeakNode;

const above: Readonly<Record<Node, readonly Node[]>> = {
  bool: ["i*"],
  "i*": ["uint8", "int8"],
  uint8: ["int16", "uint16"],
  uint16: ["int32", "uint32"],
  uint32: ["int64", "uint64"],
  uint64: ["f*"],
  int8: ["int16"],
  int16: ["int32"],
  int32: ["int64"],
  int64: ["f*"],
  "f*": ["bfloat16", "float16", "c*"],
  bfloat16: ["float32"],
  float16: ["float32"],
  float32: ["float64", "complex64"],
  float64: ["complex128"],
  "c*": ["complex64"],
  complex64: ["complex128"],
  complex128: [],
};

/** Each node with all nodes above it. Without 64-bit types, uint32 with int32 gives int32 rather than int64. */
function upperBounds(x64: boolean): ReadonlyMap<Node, ReadonlySet<Node>> {
  const edges: Readonly<Record<Node, readonly Node[]>> = x64 ? above : { ...above, uint32: ["int32", "uint64"] };
  const bounds = new Map<Node, ReadonlySet<Node>>();
  const visit = (node: Node): ReadonlySet<Node> => {
    const known = bounds.get(node);
    if (known !== undefined) return known;
    const all = new Set<Node>([node]);
    for (const next of edges[node]) for (const b of visit(next)) all.add(b);
    bounds.set(node, all);
    return all;
  };
  for (const node of Object.keys(edges) as Node[]) visit(node);
  return bounds;
}

const bounds64 = upperBounds(true);
const bounds32 = upperBounds(false);

function leastUpperBound(nodes: readonly Node[]): Node {
  const bounds = x64Enabled() ? bounds64 : bounds32;
  const common = [...bounds.get(nodes[0])!].filter((b) => nodes.every((n) => bounds.get(n)!.has(b)));
  const least = nodes.find((n) => common.includes(n)) ?? common.find((c) => common.every((d) => bounds.get(c)!.has(d)));
  if (least === undefined) {
    throw new RematValueError(
      `Input dtypes (${nodes.join(", ")}) have no available implicit dtype promotion path.\nCast inputs to the desired output type with x.astype(...).`,
    );
  }
  return least;
}

/** A dtype and whether it is weak. */
export interface Typed {
  readonly dtype: DType;
  readonly weakType: boolean;
}

function nodeOf({ dtype, weakType }: Typed): Node {
  if (dtype === "float0" || dtype === "key<fry>") {
    throw new RematValueError(
      `dtype=${dtype} is not a valid dtype for type promotion.\nConvert the array to numbers first.`,
    );
  }
  if (!weakType || dtype === "bool") return dtype;
  const kind = dtypes[dtype].kind;
  return kind === "complex" ? "c*" : kind === "float" ? "f*" : "i*";
}

const weakDType: Readonly<Record<WeakNode, DType>> = { "i*": "int64", "f*": "float64", "c*": "complex128" };
const isWeakNode = (node: Node): node is WeakNode => node in weakDType;

/** The dtype, and its weakness, in which values of the given types meet. */
export function latticeResultType(xs: readonly Typed[]): Typed {
  const [first] = xs;
  if (first === undefined)
    throw new RematValueError("at least one array or dtype is required to find a result type, got none.");
  if (xs.length === 1) return { dtype: first.dtype, weakType: first.weakType && first.dtype !== "bool" };
  const allWeak = xs.every((x) => x.weakType);
  if (!allWeak && xs.every((x) => x.dtype === first.dtype)) return { dtype: first.dtype, weakType: false };
  const node = leastUpperBound(xs.map((x) => nodeOf(allWeak ? { dtype: x.dtype, weakType: false } : x)));
  const dtype = canonicalDType(isWeakNode(node) ? weakDType[node] : node);
  return { dtype, weakType: dtype !== "bool" && (allWeak || isWeakNode(node)) };
}

/** The dtype in which arrays, host scalars and dtypes meet. */
export function resultType(...xs: readonly (ArrayLike | DType)[]): DType {
  const { dtype, weakType } = latticeResultType(
    xs.map((x) => (typeof x === "string" ? { dtype: canonicalDType(x), weakType: false } : toArray(x, "resultType"))),
  );
  if (!weakType) return dtype;
  const kind = dtypes[dtype].kind;
  return canonicalDType(
    kind === "complex" ? "complex128" : kind === "float" ? "float64" : kind === "uint" ? "uint64" : "int64",
  );
}

/** The dtype in which two dtypes meet. */
export const promoteTypes = (a: DType, b: DType): DType => resultType(a, b);

/** The floating-point dtype that an integer or boolean dtype becomes in a function such as `sin`. */
export function inexactDType(dtype: DType): DType {
  const { kind } = dtypes[dtype];
  if (kind !== "int" && kind !== "uint" && kind !== "bool") return dtype;
  return dtype === "int64" || dtype === "uint64" ? canonicalDType("float64") : "float32";
}

export const numericDType = (dtype: DType): DType => (dtype === "bool" ? "int32" : dtype);

export function complexDType(dtype: DType): DType {
  const real = inexactDType(dtype);
  return real === "float64" || real === "complex128" ? "complex128" : "complex64";
}

/**
 * Converts an operand, leaving one that fits as it is: a host scalar that fits stays a literal of the calling program. (In JAX this happens
 * inside of an inlined jit. Functions that promote outside of one use `settled` afterwards.)
 */
const converted = (x: NDArray, dtype: DType, weakType: boolean): NDArray =>
  x.dtype === dtype && x.weakType === weakType ? x : convertElementType(x, dtype, weakType);

const promoteBy =
  (change: (dtype: DType) => DType) =>
  (...xs: readonly NDArray[]): NDArray[] => {
    const { dtype, weakType } = latticeResultType(xs);
    const target = change(dtype);
    return xs.map((x) => converted(x, target, weakType));
  };

type Promote = (...xs: readonly NDArray[]) => NDArray[];

/** Converts operands to the dtype in which they meet; a single one is left alone. */
export const promoteDtypes: Promote = (...xs) => (xs.length < 2 ? [...xs] : promoteBy((dtype) => dtype)(...xs));
export const promoteDtypesInexact: Promote = promoteBy(inexactDType);
export const promoteDtypesNumeric: Promote = promoteBy(numericDType);
export const promoteDtypesComplex: Promote = promoteBy(complexDType);

const tuple = (shape: readonly number[]): string => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

/** The shape that arrays of any rank broadcast to, by NumPy's rules. */
export function broadcastShapes(...shapes: readonly (readonly number[])[]): readonly number[] {
  const ndim = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: ndim }, (_, i) => {
    const sizes = shapes.map((s) => s[s.length - ndim + i] ?? 1).filter((d) => d !== 1);
    if (sizes.some((d) => d !== sizes[0])) {
      throw new RematValueError(
        `Incompatible shapes for broadcasting: shapes=[${shapes.map(tuple).join(", ")}].\n` +
          "Counted from the last dimension, sizes must be equal or 1.",
      );
    }
    return sizes[0] ?? 1;
  });
}

/** Gives operands leading dimensions of size 1 where their ranks differ. Scalars stay scalars, and nothing is stretched. */
export function promoteShapes(...xs: readonly NDArray[]): NDArray[] {
  const ranks = new Set(xs.filter((x) => x.ndim > 0).map((x) => x.ndim));
  if (ranks.size < 2) return [...xs];
  const ndim = broadcastShapes(...xs.map((x) => x.shape)).length;
  return xs.map((x) => broadcasted(x, new Array<number>(ndim - x.ndim).fill(1)));
}

function checked(name: string, xs: readonly ArrayLike[]): NDArray[] {
  const arrays = xs.map((x, i) => toArray(x, name, i));
  for (const x of arrays) {
    if (x.dtype === "float0") {
      throw new DTypeError(
        `Called ${name} with a float0 array. float0s do not support any operations by design because they are not compatible with ` +
          'non-trivial vector spaces: they are the tangents of integers and booleans.\nnp.zerosLike(x, { dtype: "float32" }) makes ' +
          "ordinary zeros. If the float0 was not expected, a gradient may have been taken by an integer argument.",
      );
    }
  }
  if (arrays.some((x) => x.dtype === "key<fry>") && arrays.some((x) => x.dtype !== "key<fry>")) {
    throw new RematTypeError(
      `${name} does not accept dtypes ${arrays.map((x) => x.dtype).join(", ")}.\nKeys only meet keys; random.keyData gives their numbers.`,
    );
  }
  return arrays;
}

type PromoteArgs = (name: string, ...xs: readonly ArrayLike[]) => NDArray[];

/** Operands of a function of the given name, as arrays of one dtype and of equal rank (or rank 0). */
export const promoteArgs: PromoteArgs = (name, ...xs) => promoteShapes(...promoteDtypes(...checked(name, xs)));
/** The same, with integers and booleans made floats. */
export const promoteArgsInexact: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesInexact(...checked(name, xs)));
/** The same, with booleans made integers. */
export const promoteArgsNumeric: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesNumeric(...checked(name, xs)));
export const promoteArgsComplex: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesComplex(...checked(name, xs)));

/** Operands promoted outside of any inlined jit: host scalars become values of the current trace. */
export const settled = (xs: readonly NDArray[]): NDArray[] => xs.map((x) => convertElementType(x, x.dtype, x.weakType));
