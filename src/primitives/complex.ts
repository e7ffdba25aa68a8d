/** Complex numbers: taking them apart and putting them together. All of it is linear over the reals. */
import type { NDArray } from "../core/array.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { isLinear, linearJvp } from "./algebra.ts";
import { unbroadcast } from "./broadcasting.ts";
import { nary, unary, type DTypeSet } from "./nary.ts";
import { neg } from "./neg.ts";

const complexes: readonly DTypeSet[] = ["complexfloating"];
const parts: readonly DTypeSet[] = ["float32", "float64"];

const partDType = (dtype: DType): DType => (dtype === "complex128" ? "float64" : "float32");
const wholeDType = (dtype: DType): DType =>
  dtype === "float64" || dtype === "complex128" ? "complex128" : "complex64";

export const realP: Primitive = unary("real", complexes, (self) => ({
  result: ([dtype]) => partDType(dtype),
  jvp: linearJvp(self),
  transpose: ([ct]) => [complex(ct!, literal(0, ct!.dtype))],
}));
export const imagP: Primitive = unary("imag", complexes, (self) => ({
  result: ([dtype]) => partDType(dtype),
  jvp: linearJvp(self),
  transpose: ([ct]) => [complex(literal(0, ct!.dtype), neg(ct!))],
}));
export const complexP: Primitive = nary("complex", [parts, parts], (self) => ({
  result: ([dtype]) => wholeDType(dtype),
  jvp: linearJvp(self),
  transpose: ([ct], [x, y]) => [
    isLinear(x) ? unbroadcast(x.aval, real(ct!)) : null,
    isLinear(y) ? unbroadcast(y.aval, imag(neg(ct!))) : null,
  ],
}));

export type ConjParams = { readonly input_dtype: DType };
export const conjP: Primitive<ConjParams> = unary<ConjParams>("conj", [...parts, ...complexes], (self) => ({
  result: ([dtype]) => wholeDType(dtype),
  jvp: linearJvp(self),
  transpose: ([ct], _args, { input_dtype }) => [isComplex(input_dtype) ? conj(ct!) : real(ct!)],
}));

export const real = (x: NDArray): NDArray => bind1(realP, [x], {});
export const imag = (x: NDArray): NDArray => bind1(imagP, [x], {});
export const complex = (re: NDArray, im: NDArray): NDArray => bind1(complexP, [re, im], {});
export const conj = (x: NDArray): NDArray => bind1(conjP, [x], { input_dtype: x.dtype });

export const complexPrimitives = [realP, imagP, complexP, conjP] as const;
