/** How the operands of a function come to one dtype: by JAX's lattice (`lattice.ts`), with the checks that each family of functions makes. */
import type { NDArray } from "../core/array.ts";
import { dtypes, type DType } from "../core/dtype.ts";
import { currentTrace } from "../core/interpreter.ts";
import { canonicalDType, complexDType, inexactDType } from "../core/scalar.ts";
import { DTypeError, RematTypeError, RematValueError } from "../errors.ts";
import { convertElementType } from "../primitives/convert.ts";
import { FLOAT0, tuple } from "../primitives/nary.ts";
import { broadcasted } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { latticeResultType } from "./lattice.ts";

export { complexDType, inexactDType } from "../core/scalar.ts";
export { latticeResultType, type Typed } from "./lattice.ts";

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

export const numericDType = (dtype: DType): DType => (dtype === "bool" ? "int32" : dtype);

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
      throw new DTypeError(`Called ${name} with a float0 array. ${FLOAT0}`);
    }
  }
  if (arrays.some((x) => x.dtype === "key<fry>") && arrays.some((x) => x.dtype !== "key<fry>")) {
    throw new RematTypeError(
      `${name} does not accept dtypes ${arrays.map((x) => x.dtype).join(", ")}.\nKeys only meet keys; random.keyData gives their numbers.`,
    );
  }
  // In JAX most callers are inlined jits, whose operands are met in order.
  if (arrays.length > 1) for (const x of arrays) currentTrace().meet(x);
  return arrays;
}

type PromoteArgs = (name: string, ...xs: readonly ArrayLike[]) => NDArray[];

/** Operands of a function of the given name, as arrays of one dtype and of equal rank (or rank 0). */
export const promoteArgs: PromoteArgs = (name, ...xs) => promoteShapes(...promoteDtypes(...checked(name, xs)));
/** The operand of a function of one argument that takes floating-point numbers. */
export function promoteArgInexact(name: string, x: ArrayLike): NDArray {
  const [a] = checked(name, [x]) as [NDArray];
  return converted(a, inexactDType(a.dtype), a.weakType && a.dtype !== "bool");
}

/** Operands as by `promoteArgs`, with integers and booleans made floats. */
export const promoteArgsInexact: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesInexact(...checked(name, xs)));
/** The same, with booleans made integers. */
export const promoteArgsNumeric: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesNumeric(...checked(name, xs)));
export const promoteArgsComplex: PromoteArgs = (name, ...xs) =>
  promoteShapes(...promoteDtypesComplex(...checked(name, xs)));

/** Operands promoted outside of any inlined jit: host scalars become values of the current trace. */
export const settled = (xs: readonly NDArray[]): NDArray[] => xs.map((x) => convertElementType(x, x.dtype, x.weakType));
