/**
 * The makers of elementwise primitives. `unary` and `nary` give a record everything that all elementwise operations share: the check of
 * dtypes, the broadcasting of shapes and the rule for batching. Operands must have equal rank, where dimensions of size 1 stretch, or
 * rank 0. What remains for each operation is its name, the dtypes that it takes, and its derivative.
 */
import type { NDArray } from "../core/array.ts";
import { shapesEqual, ShapedArray, type Shape } from "../core/aval.ts";
import { dtypes, isComplex, isFloat, isInteger, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Params } from "../core/jaxpr.ts";
import type { BatchResult, Domain, Primitive } from "../core/primitive.ts";
import { DTypeError, RematValueError, ShapeError } from "../errors.ts";
import { range } from "./axes.ts";
import { expanded, movedAxis, repeatedAt } from "./shape.ts";

/** Sets of dtypes, by NumPy's names of them. */
export type DTypeSet = "floating" | "complexfloating" | "integer" | "signedinteger" | "bool" | "float32" | "float64";

const members: Readonly<Record<DTypeSet, (dtype: DType) => boolean>> = {
  floating: isFloat,
  complexfloating: isComplex,
  integer: isInteger,
  signedinteger: (dtype) => dtypes[dtype].kind === "int",
  bool: (dtype) => dtype === "bool",
  float32: (dtype) => dtype === "float32",
  float64: (dtype) => dtype === "float64",
};

export const floats: readonly DTypeSet[] = ["floating"];
export const integers: readonly DTypeSet[] = ["integer"];
export const inexact: readonly DTypeSet[] = ["floating", "complexfloating"];
export const reals: readonly DTypeSet[] = ["integer", "floating"];
export const numbers: readonly DTypeSet[] = ["integer", "floating", "complexfloating"];
export const ordered: readonly DTypeSet[] = ["integer", "floating", "bool"];
export const anything: readonly DTypeSet[] = ["integer", "floating", "complexfloating", "bool"];
export const bits: readonly DTypeSet[] = ["integer", "bool"];

export const accepts = (sets: readonly DTypeSet[], dtype: DType): boolean => sets.some((s) => members[s](dtype));

export const FLOAT0 =
  "float0s do not support any operations by design, because they are not compatible with non-trivial vector spaces: they are the " +
  'tangents of integers and booleans. No implicit conversion is done; np.zerosLike(x, { dtype: "float32" }) makes ordinary zeros.\n' +
  "If the float0 was not expected, a gradient may have been taken by an integer argument.";

/** Checks the dtype of the only operand. */
export function checkUnary(name: string, sets: readonly DTypeSet[], dtype: DType): void {
  if (accepts(sets, dtype)) return;
  if (dtype === "float0") throw new DTypeError(`Called ${name} with a float0 array. ${FLOAT0}`);
  throw new DTypeError(
    `${name} does not accept dtype ${dtype}. Accepted dtypes are subtypes of ${sets.join(", ")}.\n` +
      "Convert the operand with x.astype(...), or use the function of remat/numpy, which promotes its operands.",
  );
}

/** Checks the dtype of operand `i`. */
export function checkOperand(name: string, sets: readonly DTypeSet[], dtype: DType, i: number): void {
  if (accepts(sets, dtype)) return;
  if (dtype === "float0") throw new DTypeError(`Called ${name} with a float0 at position ${i}. ${FLOAT0}`);
  throw new DTypeError(
    `${name} does not accept dtype ${dtype} at position ${i}. Accepted dtypes at position ${i} are subtypes of ${sets.join(", ")}.\n` +
      "Convert the operand with x.astype(...), or use the function of remat/numpy, which promotes its operands.",
  );
}

/** The functions of `numpy` that promote where the primitive of the same meaning does not. */
const PROMOTING: Readonly<Record<string, string>> = {
  add: "add",
  atan2: "arctan2",
  div: "divide",
  eq: "equal",
  ge: "greaterEqual",
  gt: "greater",
  le: "lessEqual",
  lt: "less",
  max: "maximum",
  min: "minimum",
  mul: "multiply",
  ne: "notEqual",
  nextafter: "nextafter",
  pow: "power",
  select: "where",
  sub: "subtract",
};

/** Checks that all operands have one dtype. */
export function checkSameDTypes(name: string, avals: readonly ShapedArray[]): void {
  if (avals.every((a) => a.dtype === avals[0].dtype)) return;
  const promoting = PROMOTING[name];
  throw new DTypeError(
    `lax.${name} requires arguments to have the same dtypes, got ${avals.map((a) => a.dtype).join(", ")}.` +
      (promoting === undefined
        ? "\nConvert one of them with x.astype(...)."
        : ` (Tip: np.${promoting} is a similar function that does automatic type promotion on inputs).`),
  );
}

/** A shape as Python writes a tuple: `(3,)`, `(2, 3)`, `()`. */
export const tuple = (shape: Shape): string => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

/** The shape that operands of equal rank, or rank 0, broadcast to. */
export function broadcastEqualRank(name: string, all: readonly Shape[]): Shape {
  const shapes = all.filter((s) => s.length > 0);
  if (shapes.length === 0) return [];
  const first = shapes[0];
  if (shapes.every((s) => shapesEqual(s, first))) return first;
  const ranks = [...new Set(shapes.map((s) => s.length))].sort((a, b) => a - b);
  if (ranks.length > 1) {
    throw new ShapeError(
      `${name}: arrays must have the same number of dimensions, got {${ranks.join(", ")}}: the shapes are ${shapes.map(tuple).join(", ")}.\n` +
        "Use the function of remat/numpy, which adds leading dimensions, or lax.broadcastInDim.",
    );
  }
  return first.map((_, axis) => {
    const stretched = shapes.map((s) => s[axis]).filter((d) => d !== 1);
    if (stretched.every((d) => d === stretched[0])) return stretched[0] ?? 1;
    throw new ShapeError(
      `${name} got incompatible shapes for broadcasting: ${shapes.map(tuple).join(", ")}.\n` +
        `Sizes along axis ${axis} must be equal or 1; reshape or broadcast one of the operands.`,
    );
  });
}

/** The memory space of operands, which must agree but for scalars. */
export function commonMemorySpace(name: string, avals: readonly ShapedArray[]): ShapedArray["memorySpace"] {
  let space: ShapedArray | undefined;
  for (const a of avals) {
    if (a.ndim === 0) continue;
    if (space !== undefined && space.memorySpace !== a.memorySpace) {
      throw new RematValueError(
        `memory_space of all inputs passed to \`${name}\` must be the same. Got one operand with type: ${space.toString()} and another ` +
          `operand with type: ${a.toString()}.\nMove one of them with devicePut.`,
      );
    }
    space = a;
  }
  return space === undefined ? "device" : space.memorySpace;
}

/** The type of an elementwise result, reusing an operand's where it is the same. */
export function elementwiseAval(name: string, avals: readonly ShapedArray[], dtype: DType): ShapedArray {
  const shape =
    avals.length === 1
      ? avals[0].shape
      : broadcastEqualRank(
          name,
          avals.map((a) => a.shape),
        );
  const weakType = avals.every((a) => a.weakType);
  const memorySpace = commonMemorySpace(name, avals);
  const same = avals.find(
    (a) => a.dtype === dtype && a.weakType === weakType && a.memorySpace === memorySpace && shapesEqual(a.shape, shape),
  );
  return same ?? new ShapedArray(shape, dtype, weakType, memorySpace);
}

/** Batching of an operation on one array: the same call, the same axis. (Elementwise operations are batched so without a rule of their own.) */
export const batchUnary =
  <P extends Params>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["batch"]> =>
  (_size, args, dims, params) => ({ outs: [bind1(primitive(), args, params)], dims: [dims[0]!] });

/**
 * Batching of operations that broadcast, but aren't elementwise (for those that are, the core does the same). Where all operands have the axis in one place, or have rank 0, the call is the same; otherwise
 * the axis goes to the front, and operands without it get a dimension of size 1 there.
 */
export const batchBroadcasting =
  <P extends Params>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["batch"]> =>
  (_size, args, dims, params): BatchResult => {
    const call = (xs: readonly NDArray[]) => bind1(primitive(), xs, params);
    const i = dims.findIndex((d) => d !== null);
    if (i < 0) return { outs: [call(args)], dims: [null] };
    const { shape } = args[i];
    const dim = dims[i]!;
    if (args.every((x, j) => x.ndim === 0 || (dims[j] === dim && shapesEqual(x.shape, shape)))) {
      return { outs: [call(args)], dims: [dim] };
    }
    const front = args.map((x, j) => {
      if (x.ndim === 0) return x;
      const d = dims[j]!;
      return d === null ? repeatedAt(x, 1, 0) : movedAxis(x, d, 0);
    });
    const ndim = Math.max(...front.map((x) => x.ndim));
    return {
      outs: [
        call(
          front.map((x, j) => (dims[j] === null || x.ndim === ndim ? x : expanded(x, range(ndim - x.ndim, x.ndim)))),
        ),
      ],
      dims: [0],
    };
  };

/** What differs from one operation to the next. */
export interface Rules<P extends Params> {
  readonly cheap?: true;
  /** Replaces the typing rule. */
  readonly type?: Primitive<P>["type"];
  readonly jvp?: NonNullable<Primitive<P>["jvp"]>;
  readonly linearize?: NonNullable<Primitive<P>["linearize"]>;
  readonly transpose?: NonNullable<Primitive<P>["transpose"]>;
  readonly print?: NonNullable<Primitive<P>["print"]>;
  readonly domain?: Domain | readonly Domain[];
  /** The dtype of the result; that of the first operand if absent. */
  readonly result?: (operands: readonly DType[], params: P) => DType;
}

/** An operation on each element of one array. */
export function unary<P extends Params = Params>(
  name: string,
  sets: readonly DTypeSet[],
  rules: (self: () => Primitive<P>) => Rules<P>,
): Primitive<P> {
  const self = (): Primitive<P> => primitive;
  const { result, ...rest } = rules(self);
  const primitive: Primitive<P> = {
    name,
    elementwise: true,
    type([x], params) {
      checkUnary(name, sets, x.dtype);
      return [result === undefined ? x : elementwiseAval(name, [x], result([x.dtype], params))];
    },
    ...rest,
  };
  return primitive;
}

/** An operation on the elements of several arrays side by side. */
export function nary<P extends Params = Params>(
  name: string,
  sets: readonly (readonly DTypeSet[])[],
  rules: (self: () => Primitive<P>) => Rules<P> & { readonly mixed?: boolean },
): Primitive<P> {
  const self = (): Primitive<P> => primitive;
  const { result, mixed, ...rest } = rules(self);
  const primitive: Primitive<P> = {
    name,
    elementwise: true,
    type(avals, params) {
      for (let i = 0; i < sets.length; i++) checkOperand(name, sets[i], avals[i].dtype, i);
      if (mixed !== true) checkSameDTypes(name, avals);
      const dtype =
        result === undefined
          ? avals[0].dtype
          : result(
              avals.map((a) => a.dtype),
              params,
            );
      return [elementwiseAval(name, avals, dtype)];
    },
    ...rest,
  };
  return primitive;
}
