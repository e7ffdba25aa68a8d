/**
 * Comparisons, logic and bits, and the choices that are made by them: `select_n` and `clamp`. Nothing here but the choices has a
 * derivative.
 */
import type { NDArray } from "../core/array.ts";
import { shapesEqual } from "../core/aval.ts";
import { isInteger } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { isLinear, jvpByOperand, zeroJvp } from "./algebra.ts";
import { broadcastToResult, constLike, zerosLike } from "./broadcasting.ts";
import {
  anything,
  bits,
  checkOperand,
  checkSameDTypes,
  commonMemorySpace,
  integers,
  nary,
  ordered,
  tuple,
  unary,
  type DTypeSet,
} from "./nary.ts";
import { batchedInFront, broadcasted, broadcastedInDim, movedAxis } from "./shape.ts";

const comparison = (name: string, sets: readonly DTypeSet[]): Primitive => {
  const primitive = nary(name, [sets, sets], (self) => ({ cheap: true, result: () => "bool", jvp: zeroJvp(self) }));
  if (name !== "eq" && name !== "ne") return primitive;
  // Keys have no numbers inside that a user should see, but they can be told from one another.
  return {
    ...primitive,
    type: (avals, params) =>
      avals.every((a) => a.dtype === "key<fry>") ? [avals[0].update({ dtype: "bool" })] : primitive.type(avals, params),
  };
};

export const eqP: Primitive = comparison("eq", anything);
export const neP: Primitive = comparison("ne", anything);
export const geP: Primitive = comparison("ge", ordered);
export const gtP: Primitive = comparison("gt", ordered);
export const leP: Primitive = comparison("le", ordered);
export const ltP: Primitive = comparison("lt", ordered);
/** Comparisons in the total order of IEEE 754, in which NaN equals itself and -0 comes before 0. */
export const eqToP: Primitive = comparison("eq_to", anything);
export const leToP: Primitive = comparison("le_to", ordered);
export const ltToP: Primitive = comparison("lt_to", ordered);

const logical = (name: string): Primitive => nary(name, [bits, bits], (self) => ({ cheap: true, jvp: zeroJvp(self) }));
export const andP: Primitive = logical("and");
export const orP: Primitive = logical("or");
export const xorP: Primitive = logical("xor");
export const notP: Primitive = unary("not", bits, (self) => ({ cheap: true, jvp: zeroJvp(self) }));

const shift = (name: string): Primitive => nary(name, [integers, integers], (self) => ({ jvp: zeroJvp(self) }));
export const shiftLeftP: Primitive = shift("shift_left");
export const shiftRightArithmeticP: Primitive = shift("shift_right_arithmetic");
export const shiftRightLogicalP: Primitive = shift("shift_right_logical");
export const populationCountP: Primitive = unary("population_count", integers, () => ({}));
export const clzP: Primitive = unary("clz", integers, () => ({}));

const caller =
  (primitive: Primitive) =>
  (x: NDArray, y: NDArray): NDArray =>
    bind1(primitive, [x, y], {});
type Binary = (x: NDArray, y: NDArray) => NDArray;

export const eq: Binary = caller(eqP);
export const ne: Binary = caller(neP);
export const ge: Binary = caller(geP);
export const gt: Binary = caller(gtP);
export const le: Binary = caller(leP);
export const lt: Binary = caller(ltP);
export const eqTo: Binary = caller(eqToP);
export const leTo: Binary = caller(leToP);
export const ltTo: Binary = caller(ltToP);
export const bitwiseAnd: Binary = caller(andP);
export const bitwiseOr: Binary = caller(orP);
export const bitwiseXor: Binary = caller(xorP);
export const bitwiseNot = (x: NDArray): NDArray => bind1(notP, [x], {});
export const shiftLeft: Binary = caller(shiftLeftP);
export const shiftRightArithmetic: Binary = caller(shiftRightArithmeticP);
export const shiftRightLogical: Binary = caller(shiftRightLogicalP);
export const populationCount = (x: NDArray): NDArray => bind1(populationCountP, [x], {});
export const clz = (x: NDArray): NDArray => bind1(clzP, [x], {});

/** Operand 0 says which of the cases 1, 2, ... an element comes from: an integer, or a boolean for two cases. */
export const selectNP: Primitive = {
  name: "select_n",
  elementwise: true,
  cheap: true,
  type([which, ...cases]) {
    const [first] = cases;
    if (which === undefined || first === undefined) {
      throw new ShapeError("select must have at least one case: give the selector and the cases.");
    }
    if (cases.some((c) => !shapesEqual(c.shape, first.shape))) {
      throw new ShapeError(
        `select cases must have the same shapes, got [${cases.map((c) => tuple(c.shape)).join(", ")}].\nnp.where broadcasts them.`,
      );
    }
    if (which.ndim > 0 && !shapesEqual(which.shape, first.shape)) {
      throw new ShapeError(
        `select \`which\` must be scalar or have the same shape as cases, got \`which\` shape ${tuple(which.shape)} but case shape ` +
          `${tuple(first.shape)}.\nnp.where broadcasts its operands.`,
      );
    }
    checkSameDTypes("select", cases);
    if (which.dtype !== "bool" && !isInteger(which.dtype)) {
      throw new DTypeError(
        `select \`which\` must be boolean or integer type, got ${which.dtype}.\nCompare it with something, as in x.greater(0).`,
      );
    }
    if (which.dtype === "bool" && cases.length > 2) {
      throw new DTypeError(
        `select with boolean \`which\` cannot have > 2 cases, got ${cases.length}.\nConvert the selector to int32.`,
      );
    }
    const weakType = cases.every((c) => c.weakType);
    const memorySpace = commonMemorySpace("select_n", [which, ...cases]);
    return [
      first.weakType === weakType && first.memorySpace === memorySpace
        ? first
        : first.update({ weakType, memorySpace }),
    ];
  },
  jvp([which, ...cases], [, ...tangents]) {
    const out = selectN(which, ...cases);
    const some = tangents.find((t) => t !== null);
    if (some === undefined || some === null) return { primals: [out], tangents: [null] };
    const zero = zerosLike(some);
    return { primals: [out], tangents: [selectN(which, ...tangents.map((t) => t ?? zero))] };
  },
  transpose([ct], [which, ...cases]) {
    const zero = zerosLike(ct!);
    const selector = which as NDArray;
    if (selector.dtype === "bool") {
      const chosen: Tangent[] = [null, null, null];
      if (isLinear(cases[0])) chosen[1] = select(selector, zero, ct!);
      if (isLinear(cases[1])) chosen[2] = select(selector, ct!, zero);
      return chosen.slice(0, cases.length + 1);
    }
    return [
      null,
      ...cases.map((c, i) => (isLinear(c) ? select(eq(selector, constLike(selector, i)), ct!, zero) : null)),
    ];
  },
  batch(size, [which, ...cases], [whichDim, ...caseDims]) {
    if (whichDim === null && caseDims.every((d) => d === null))
      return { outs: [selectN(which, ...cases)], dims: [null] };
    const first = cases[0];
    const firstDim = caseDims[0]!;
    if (caseDims.every((d) => d === whichDim)) {
      const selector = shapesEqual(which.shape, first.shape)
        ? which
        : broadcastedInDim(which, first.shape, [whichDim!]);
      return { outs: [selectN(selector, ...cases)], dims: [whichDim!] };
    }
    if (which.ndim === 0 && firstDim !== null && caseDims.every((d) => d !== null)) {
      if (caseDims.every((d) => d === firstDim)) return { outs: [selectN(which, ...cases)], dims: [firstDim] };
      if (cases.every((c) => shapesEqual(c.shape, first.shape))) {
        const others = cases.slice(1).map((c, i) => movedAxis(c, caseDims[i + 1], firstDim));
        return { outs: [selectN(which, first, ...others)], dims: [firstDim] };
      }
    }
    let selector = which.ndim > 0 ? batchedInFront(which, whichDim, size) : which;
    let operands: readonly NDArray[] = cases;
    if (!cases.every((c) => c.ndim === 0)) operands = cases.map((c, i) => batchedInFront(c, caseDims[i], size));
    const { shape } = operands[0];
    if (selector.ndim > 0 && selector.ndim < shape.length) selector = broadcastedInDim(selector, shape, [0]);
    if (selector.ndim > shape.length) operands = operands.map((c) => broadcasted(c, selector.shape));
    return { outs: [selectN(selector, ...operands)], dims: [0] };
  },
};

export const selectN = (which: NDArray, ...cases: readonly NDArray[]): NDArray =>
  bind1(selectNP, [which, ...cases], {});
/** The elements of `yes` where the predicate holds, those of `no` elsewhere. */
export const select = (pred: NDArray, yes: NDArray, no: NDArray): NDArray => selectN(pred, no, yes);

/** The middle operand, kept between the first and the last. */
export const clampP: Primitive = {
  name: "clamp",
  elementwise: true,
  cheap: true,
  type([low, x, high]) {
    for (const [name, bound] of [["min", low] as const, ["max", high] as const]) {
      if (bound.ndim > 0 && !shapesEqual(bound.shape, x.shape)) {
        throw new ShapeError(
          `clamp requires ${name}.shape == operand.shape or ${name}.shape == (), got ${name}.shape=${tuple(bound.shape)}, ` +
            `operand.shape=${tuple(x.shape)}.\nnp.clip broadcasts its bounds.`,
        );
      }
    }
    const avals = [low, x, high];
    avals.forEach((a, i) => checkOperand("clamp", anything, a.dtype, i));
    checkSameDTypes("clamp", avals);
    const weakType = avals.every((a) => a.weakType);
    const memorySpace = commonMemorySpace("clamp", avals);
    return [x.weakType === weakType && x.memorySpace === memorySpace ? x : x.update({ weakType, memorySpace })];
  },
  jvp: jvpByOperand(
    () => clampP,
    [
      (t, _out, [low, x, high]) =>
        select(bitwiseAnd(gt(low, x), lt(low, high)), broadcastToResult(x.shape, t), zerosLike(x)),
      (t, _out, [low, x, high]) => select(bitwiseAnd(gt(x, low), lt(x, high)), t, zerosLike(x)),
      (t, _out, [, x, high]) => select(lt(high, x), broadcastToResult(x.shape, t), zerosLike(x)),
    ],
  ),
  batch(size, [low, x, high], [lowDim, dim, highDim]) {
    const same = lowDim === dim && dim === highDim;
    if (same && shapesEqual(low.shape, x.shape) && shapesEqual(high.shape, x.shape)) {
      return { outs: [clamp(low, x, high)], dims: [dim!] };
    }
    if (same && low.ndim === 1 && high.ndim === 1) {
      const bounds = [low, high].map((b) => broadcastedInDim(b, x.shape, [dim!]));
      return { outs: [clamp(bounds[0], x, bounds[1])], dims: [dim!] };
    }
    if (low.ndim === 0 && high.ndim === 0 && dim !== null) return { outs: [clamp(low, x, high)], dims: [dim] };
    const front = (v: NDArray, d: number | null): NDArray => (v.ndim > 0 ? batchedInFront(v, d, size) : v);
    let lower = front(low, lowDim);
    let upper = front(high, highDim);
    let operand = front(x, dim);
    const { shape } = operand;
    if (lower.ndim === 0 && shape.length > 0) lower = broadcasted(lower, shape);
    if (upper.ndim === 0 && shape.length > 0) upper = broadcasted(upper, shape);
    if (lower.ndim > 0 && lower.ndim < shape.length) lower = broadcastedInDim(lower, shape, [0]);
    if (upper.ndim > 0 && upper.ndim < shape.length) upper = broadcastedInDim(upper, shape, [0]);
    if (lower.ndim > operand.ndim) operand = broadcasted(operand, lower.shape);
    return { outs: [clamp(lower, operand, upper)], dims: [0] };
  },
};
export const clamp = (low: NDArray, x: NDArray, high: NDArray): NDArray => bind1(clampP, [low, x, high], {});

export const comparisonPrimitives = [
  eqP,
  neP,
  geP,
  gtP,
  leP,
  ltP,
  eqToP,
  leToP,
  ltToP,
  andP,
  orP,
  xorP,
  notP,
  shiftLeftP,
  shiftRightArithmeticP,
  shiftRightLogicalP,
  populationCountP,
  clzP,
  selectNP,
  clampP,
] as const;
