/**
 * Changes of representation: dtype conversions, rounding to fewer bits, reinterpretation of bits; and the operations that hand a value on
 * unchanged with a meaning beside it: `stop_gradient`, `copy`, `optimization_barrier`.
 *
 * Conversions are where host scalars enter a program: the conversion of a literal is folded to a literal while staging, and a conversion
 * to the dtype that is there already leaves no trace.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { dtypes, isComplex, kindOf, tangentDType, type DType } from "../core/dtype.ts";
import { bind, bind1, currentTrace, Tracer } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal, readElement, type Element } from "../core/scalar.ts";
import { instantiate } from "../core/zeros.ts";
import { DTypeError, RematTypeError, RematValueError } from "../errors.ts";
import { isLinear, jvpByOperand, linearJvp, zeroJvp } from "./algebra.ts";
import { batchUnary, checkUnary, floats, tuple, unary } from "./nary.ts";

export type ConvertParams = {
  readonly new_dtype: DType;
  readonly weak_type: boolean;
  /** "placed": the result is a value of its own even if nothing changes, as where JAX asks for a sharding. */
  readonly sharding: "placed" | null;
};

const bindConvert = (
  x: NDArray,
  dtype: DType,
  weakType: boolean,
  sharding: ConvertParams["sharding"] = null,
): NDArray => bind1(convertElementTypeP, [x], { new_dtype: dtype, weak_type: weakType, sharding });

/** A conversion that gives a new value even if it changes nothing; staging leaves it out then. */
export const convertRenewed = (x: NDArray, dtype: DType, weakType: boolean): NDArray => bindConvert(x, dtype, weakType);

/** A conversion that is written down even if it changes nothing. */
export const convertPlaced = (x: NDArray, dtype: DType, weakType: boolean): NDArray =>
  bindConvert(x, dtype, weakType, "placed");

export const convertElementTypeP: Primitive<ConvertParams> = {
  name: "convert_element_type",
  elementwise: true,
  cheap: true,
  type([x], { new_dtype, weak_type }) {
    if (x.dtype === new_dtype && x.weakType === weak_type) return [x];
    if ((x.dtype === "key<fry>") !== (new_dtype === "key<fry>")) {
      throw new RematTypeError(
        `cannot directly convert between extended dtypes: from ${x.dtype} to ${new_dtype}.\n` +
          "random.keyData and random.wrapKeyData convert keys to numbers and back.",
      );
    }
    return [new ShapedArray(x.shape, new_dtype, weak_type, x.memorySpace)];
  },
  jvp: jvpByOperand(
    () => convertElementTypeP,
    [
      (t, _y, _xs, { new_dtype, weak_type, sharding }) => {
        const dtype = tangentDType(new_dtype);
        return dtype === "float0" ? null : bindConvert(t, dtype, weak_type, sharding);
      },
    ],
  ),
  transpose([ct], [x]) {
    if (!isLinear(x) || tangentDType(x.aval.dtype) === "float0") return [null];
    return [bindConvert(ct!, x.aval.dtype, x.aval.weakType)];
  },
  forward([x], { new_dtype, weak_type, sharding }) {
    if (sharding !== null) return null;
    return x.dtype === new_dtype && x.weakType === weak_type ? [0] : null;
  },
  fold([x], { new_dtype, weak_type }) {
    if (!(x instanceof ConcreteArray) || !x.literal || x.ndim > 0) return null;
    if (new_dtype === "float0" || new_dtype === "key<fry>" || x.dtype === "float0" || x.dtype === "key<fry>")
      return null;
    return [convertLiteral(x, new_dtype, weak_type)];
  },
  print: ({ new_dtype, weak_type }) => [
    ["new_dtype", new_dtype],
    ["weak_type", weak_type],
  ],
};

function convertLiteral(x: ConcreteArray, dtype: DType, weakType: boolean): ConcreteArray {
  const value = x.host ?? readElement(x.data, x.dtype, 0);
  const int = dtypes[dtype].kind === "int" || dtypes[dtype].kind === "uint";
  const fromHost = int && typeof value === "number" && kindOf(x.dtype) === "float";
  return literal(fromHost ? hostInteger(value, dtype) : convertElement(value, dtype, x.dtype), dtype, weakType);
}

/**
 * A host float as an integer, as NumPy's casts make it in JAX's programs, while XLA's saturate: by way of a machine integer, which has one value for all
 * numbers beyond its range, and of which the lower bits are taken.
 */
function hostInteger(value: number, dtype: DType): bigint {
  const bits = dtypes[dtype].bytes * 8;
  const wide = bits === 64 || dtype === "uint32";
  const machine = wide ? 64 : 32;
  const limit = 2 ** (machine - 1);
  const whole = value >= -limit && value < limit ? BigInt(Math.trunc(value)) : -(2n ** BigInt(machine - 1));
  return dtypes[dtype].kind === "int" ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
}

/** A host value as an element of a dtype: what is out of an integer's range saturates, as floats do. */
export function convertElement(value: Element, dtype: DType, from?: DType): Element {
  const kind = dtypes[dtype].kind;
  if (kind === "bool" && typeof value === "object") return value.re !== 0 || value.im !== 0;
  if (typeof value === "object" && !isComplex(dtype)) return convertElement(value.re, dtype, "float64");
  if (typeof value !== "number" || (kind !== "int" && kind !== "uint")) return value;
  // Integers wrap where they are stored.
  if (Number.isInteger(value) && (from === undefined || kindOf(from) !== "float")) return value;
  if (Number.isNaN(value)) return 0;
  const bits = dtypes[dtype].bytes * 8;
  const [low, high] =
    kind === "int" ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
  if (value >= Number(high)) return high;
  if (value < Number(low)) return low;
  return Math.trunc(value);
}

/**
 * The array with another dtype and weakness. Emits nothing where neither changes; a host scalar becomes a value of the current trace.
 * Under eager differentiation a value that needs no conversion is still renewed, as in JAX, so that it is no longer the very object that
 * was passed as an argument.
 */
export function convertElementType(x: NDArray, dtype: DType = x.dtype, weakType = false): NDArray {
  if (x.dtype !== dtype || x.weakType !== weakType) return bindConvert(x, dtype, weakType);
  if (x instanceof ConcreteArray && x.literal) return currentTrace().stageValue(x);
  return x instanceof Tracer && x.concrete() !== null ? bindConvert(x, dtype, weakType) : x;
}

export type ReducePrecisionParams = { readonly exponent_bits: number; readonly mantissa_bits: number };

export const reducePrecisionP: Primitive<ReducePrecisionParams> = unary<ReducePrecisionParams>(
  "reduce_precision",
  floats,
  (self) => ({
    jvp: linearJvp(self),
    transpose: ([ct], _args, params) => [bind1(reducePrecisionP, [ct!], params)],
    type([x], { exponent_bits, mantissa_bits }) {
      checkUnary("reduce_precision", floats, x.dtype);
      if (exponent_bits < 1) {
        throw new RematValueError(
          `reduce_precision: exponent_bits must be positive; got ${exponent_bits}.\nfloat32 has 8 exponent and 23 mantissa bits.`,
        );
      }
      if (mantissa_bits < 0) {
        throw new RematValueError(
          `reduce_precision: mantissa_bits must be non-negative; got ${mantissa_bits}.\nfloat32 has 8 exponent and 23 mantissa bits.`,
        );
      }
      return [x];
    },
  }),
);
export const reducePrecision = (x: NDArray, exponentBits: number, mantissaBits: number): NDArray =>
  bind1(reducePrecisionP, [x], { exponent_bits: exponentBits, mantissa_bits: mantissaBits });

export type BitcastParams = { readonly new_dtype: DType };

export const bitcastConvertTypeP: Primitive<BitcastParams> = {
  name: "bitcast_convert_type",
  type([x], { new_dtype }) {
    const from = x.dtype;
    const opaque = (dtype: DType) => dtype === "bool" || isComplex(dtype) || dtype === "float0" || dtype === "key<fry>";
    if ((opaque(from) || opaque(new_dtype)) && from !== new_dtype) {
      throw new DTypeError(
        "lax.bitcast_convert_type does not support bool or complex values unless the operand and destination types match. Got operand " +
          `dtype=${from}, new_dtype=${new_dtype}.\nConvert with lax.convertElementType, or take lax.real and lax.imag first.`,
      );
    }
    const [old, next] = [dtypes[from].bytes, dtypes[new_dtype].bytes];
    if (old === next) return [x.update({ dtype: new_dtype, weakType: false })];
    if (old > next) return [x.update({ shape: [...x.shape, old / next], dtype: new_dtype, weakType: false })];
    const last = x.shape.at(-1) ?? 1;
    if (last * old !== next) {
      throw new RematValueError(
        `Attempting to convert array of shape ${tuple(x.shape)} from ${from} of size ${old * 8} bits to ${new_dtype} of size ` +
          `${next * 8}, bits but ${last} * ${old * 8} != ${next * 8}.\nThe last dimension must hold the parts of one element.`,
      );
    }
    return [x.update({ shape: x.shape.slice(0, -1), dtype: new_dtype, weakType: false })];
  },
  jvp: zeroJvp(() => bitcastConvertTypeP),
  batch: batchUnary(() => bitcastConvertTypeP),
};
export const bitcastConvertType = (x: NDArray, dtype: DType): NDArray =>
  bind1(bitcastConvertTypeP, [x], { new_dtype: dtype });

const identity = (name: string): Pick<Primitive, "name" | "elementwise" | "type"> => ({
  name,
  elementwise: true,
  type: ([x]) => [x],
});

/** The value itself, whose derivative counts as zero. */
export const stopGradientP: Primitive = {
  ...identity("stop_gradient"),
  jvp: zeroJvp(() => stopGradientP),
};
export const stopGradient = (x: NDArray): NDArray => (x.dtype === "key<fry>" ? x : bind1(stopGradientP, [x], {}));

export const copyP: Primitive = {
  ...identity("copy"),
  jvp: linearJvp(() => copyP),
  transpose: ([ct]) => [copy(ct!)],
};
export const copy = (x: NDArray): NDArray => bind1(copyP, [x], {});

/** Hands its operands on; nothing that is computed from the results may be computed before all of the operands are there. */
export const optimizationBarrierP: Primitive = {
  name: "optimization_barrier",
  type: (avals) => avals,
  jvp(primals, tangents) {
    const ts = tangents.map((t, i) => instantiate(t, primals[i].aval.toTangent()));
    return { primals: optimizationBarrier(primals), tangents: optimizationBarrier(ts) };
  },
  transpose: (cts, _args, _params, outAvals) =>
    optimizationBarrier(cts.map((ct, i) => instantiate(ct, outAvals[i].toTangent()))),
  batch: (_size, args, dims) => ({ outs: optimizationBarrier(args), dims }),
};
export const optimizationBarrier = (xs: readonly NDArray[]): readonly NDArray[] => bind(optimizationBarrierP, xs, {});

export const convertPrimitives = [
  convertElementTypeP,
  reducePrecisionP,
  bitcastConvertTypeP,
  stopGradientP,
  copyP,
  optimizationBarrierP,
] as const;
