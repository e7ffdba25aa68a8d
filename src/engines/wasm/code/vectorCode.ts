/**
 * Registers of a loop kernel. A value of the kernel's box is one 128-bit vector: four lanes, or two in kernels whose elements have 64 bits. How a
 * dtype lies in the lanes: float32 and 32-bit integers as they are (in the lower half of two-lane kernels); smaller integers widened to 32 bits;
 * halves as float32; booleans as masks of all ones or zeros, as wide as the kernel's lanes.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import { fromBfloat16, fromFloat16 } from "../../../core/halfFloat.ts";
import type { Fill } from "../../../compile/view.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable } from "../encode/module.ts";
import type { HostFunction } from "./host.ts";

/** The form of a dtype in registers. */
export type Form = "f32" | "i32" | "f64" | "i64" | "mask";

export function formOf(dtype: DType): Form {
  switch (dtype) {
    case "float32":
    case "float16":
    case "bfloat16":
      return "f32";
    case "float64":
      return "f64";
    case "int64":
    case "uint64":
    case "key<fry>":
      return "i64";
    case "bool":
      return "mask";
    default:
      return "i32";
  }
}

export const isHalf = (dtype: DType): boolean => dtype === "float16" || dtype === "bfloat16";

export const isSigned = (dtype: DType): boolean => dtypes[dtype].kind === "int";

export class VectorCode {
  readonly f: FunctionBuilder;
  readonly wide: boolean;
  readonly #host: (name: HostFunction) => Callable;
  #constants = new Map<string, Local>();

  constructor(f: FunctionBuilder, wide: boolean, host: (name: HostFunction) => Callable) {
    this.f = f;
    this.wide = wide;
    this.#host = host;
  }

  get lanes(): 2 | 4 {
    return this.wide ? 2 : 4;
  }

  /** A float32 in all lanes. */
  f32(x: number): Local {
    return this.#constant(`f32 ${Object.is(x, -0) ? "-0" : String(x)}`, () => this.f.f32x4(x));
  }
  i32(n: number): Local {
    return this.#constant(`i32 ${String(n | 0)}`, () => this.f.i32x4(n));
  }
  f64(x: number): Local {
    return this.#constant(`f64 ${Object.is(x, -0) ? "-0" : String(x)}`, () => this.f.f64x2(x));
  }
  i64(n: bigint): Local {
    return this.#constant(`i64 ${String(BigInt.asIntN(64, n))}`, () => this.f.i64x2(n));
  }
  /** A vector of 16 bytes. */
  bytes(bytes: ArrayLike<number>): Local {
    return this.#constant(`bytes ${Array.from(bytes).join()}`, () => this.f.v128(bytes));
  }
  temp(): Local {
    return this.f.local("v128");
  }
  /** A function of JavaScript's. */
  host(name: string): Callable {
    return this.#host(name as HostFunction);
  }

  /** An element as it is stored, in all lanes. */
  element(value: Fill, dtype: DType): Local {
    switch (formOf(dtype)) {
      case "f32": {
        const bits = Number(value);
        if (dtype === "float16") return this.f32(fromFloat16(bits));
        return this.f32(dtype === "bfloat16" ? fromBfloat16(bits) : bits);
      }
      case "f64":
        return this.f64(Number(value));
      case "i64":
        return this.i64(BigInt(value));
      case "mask":
        return this.i32(Number(value) === 0 ? 0 : -1);
      case "i32":
        return this.i32(Number(value));
    }
  }

  /** Keeps what is on the stack in a new local. */
  keep(): Local {
    const x = this.temp();
    this.f.set(x);
    return x;
  }

  /** A stretch of code whose constants are set at its beginning. */
  stretch(inside: () => void): void {
    const outer = this.#constants;
    this.#constants = new Map();
    this.f.stretch(inside);
    this.#constants = outer;
  }

  #constant(key: string, push: () => void): Local {
    let local = this.#constants.get(key);
    if (local === undefined) {
      const fresh = this.temp();
      this.f.hoist(() => {
        push();
        this.f.set(fresh);
      });
      this.#constants.set(key, (local = fresh));
    }
    return local;
  }
}
