/** The types of WebAssembly's values, and what can be called. */

export type ValType = "i32" | "i64" | "f32" | "f64" | "v128";

export const valTypes: Readonly<Record<ValType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** An imported function or one of the module. */
export interface Callable {
  readonly index: number;
}
