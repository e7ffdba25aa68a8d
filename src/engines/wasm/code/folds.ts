/** Reductions in registers: the neutral element, one step, and how accumulators become one number. */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { Fold } from "../../../compile/loop.ts";
import type { Local } from "../encode/function.ts";
import type { PlainOp } from "../encode/opcodes.ts";
import { formOf, type VectorCode } from "./vectorCode.ts";
import { emitScalarOp } from "./scalarOps.ts";

export interface FoldCode {
  /** Pushes the neutral element in all lanes. */
  readonly neutral: (c: VectorCode) => void;
  /** Folds the two vectors on the stack. */
  readonly step: (c: VectorCode) => void;
}

function neutralValue(fold: Fold, dtype: DType): number | bigint {
  const { kind, bytes } = dtypes[dtype];
  const big = bytes === 8 && kind !== "float";
  switch (fold) {
    case "sum":
    case "or":
    case "xor":
      return big ? 0n : 0;
    case "prod":
      return big ? 1n : 1;
    case "and":
      return kind === "bool" ? 1 : big ? -1n : -1;
    case "max":
    case "min": {
      const sign = fold === "max" ? -1 : 1;
      if (kind === "float") return sign * Infinity;
      if (kind === "bool") return fold === "max" ? 0 : 1;
      const bits = BigInt(8 * bytes);
      const low = kind === "int" ? -(2n ** (bits - 1n)) : 0n;
      const high = kind === "int" ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n;
      const value = fold === "max" ? low : high;
      return big ? value : Number(value);
    }
  }
}

const steps: Readonly<Record<Fold, { readonly f32?: PlainOp; readonly f64?: PlainOp; readonly name: string }>> = {
  sum: { f32: "f32x4.add", f64: "f64x2.add", name: "add" },
  prod: { f32: "f32x4.mul", f64: "f64x2.mul", name: "mul" },
  max: { f32: "f32x4.max", f64: "f64x2.max", name: "max" },
  min: { f32: "f32x4.min", f64: "f64x2.min", name: "min" },
  and: { name: "and" },
  or: { name: "or" },
  xor: { name: "xor" },
};

export function foldOf(fold: Fold, dtype: DType): FoldCode {
  const form = formOf(dtype);
  const { f32, f64, name } = steps[fold];
  return {
    // Halves are float32 in registers.
    neutral: (c) => c.f.get(c.element(neutralValue(fold, dtype), form === "f32" ? "float32" : dtype)),
    step(c) {
      if (form === "f32" && f32 !== undefined) c.f.op(f32);
      else if (form === "f64" && f64 !== undefined) c.f.op(f64);
      else {
        const y = c.keep();
        const x = c.keep();
        emitScalarOp(c, [x, y], { name, params: {}, from: [dtype, dtype], to: dtype });
      }
    },
  };
}

/** Pushes the four accumulators as one vector, combined pairwise. */
export function combine(c: VectorCode, fold: FoldCode, [a, b, d, e]: readonly Local[]): void {
  c.f.get(a).get(b);
  fold.step(c);
  c.f.get(d).get(e);
  fold.step(c);
  fold.step(c);
}

/** Combines the lanes of the vector on the stack pairwise; the result lies in all lanes or in the first. */
export function horizontal(c: VectorCode, fold: FoldCode, dtype: DType): Local {
  const { f } = c;
  const form = formOf(dtype);
  const v = c.keep();
  const double = c.wide && (form === "f64" || form === "i64" || form === "mask");
  if (double) {
    f.get(v).get(v).get(v).shuffle32(2, 3, 0, 1);
    fold.step(c);
    return c.keep();
  }
  f.get(v).get(v).get(v).shuffle32(1, 0, 3, 2);
  fold.step(c);
  const pairs = c.keep();
  f.get(pairs).get(pairs).get(pairs).shuffle32(2, 3, 0, 1);
  fold.step(c);
  return c.keep();
}
