/**
 * What vector mathematics needs of the code generator that it writes into: constants that are set before the loop (newer V8 runs inline vector
 * constants at half the speed), room for intermediate values, and functions of JavaScript's for rare arguments.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable } from "../encode/module.ts";

export interface MathContext {
  readonly f: FunctionBuilder;
  /** Two lanes in use rather than four: those of kernels whose elements have 64 bits. */
  readonly wide: boolean;
  readonly lanes: 2 | 4;
  /** Constants in all lanes. */
  f32(x: number): Local;
  i32(n: number): Local;
  f64(x: number): Local;
  i64(n: bigint): Local;
  /** A new vector variable. */
  temp(): Local;
  /** Keeps what is on the stack in a new vector variable. */
  keep(): Local;
  /** A function of JavaScript's, from float64 to float64. */
  host(name: string): Callable;
}

/** Leaves its value, a vector, on the stack. */
export type VectorMath = (c: MathContext, x: Local) => void;
export type VectorMath2 = (c: MathContext, x: Local, y: Local) => void;

/** Pushes p[0] + x (p[1] + x (p[2] + ...)), float32. */
export function polynomial(c: MathContext, x: Local, p: readonly number[]): void {
  c.f.get(c.f32(p[p.length - 1]));
  for (let i = p.length - 2; i >= 0; i--) c.f.get(x).op("f32x4.mul").get(c.f32(p[i])).op("f32x4.add");
}

/** The same in float64. */
export function polynomial64(c: MathContext, x: Local, p: readonly number[]): void {
  c.f.get(c.f64(p[p.length - 1]));
  for (let i = p.length - 2; i >= 0; i--) c.f.get(x).op("f64x2.mul").get(c.f64(p[i])).op("f64x2.add");
}
