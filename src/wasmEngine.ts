/** Engines of one's own: the wasm engine with other settings than the one which the package begins with. */
import { js } from "./engines/js/index.ts";
import { createWasm, type WasmEngine, type WasmOptions } from "./engines/wasm/index.ts";

/**
 * A wasm engine with settings of its own, for `setEngine` or `jit(f, { engine })`. It has its own memory, and compiles programs anew.
 *
 *     setEngine(createWasmEngine({ threads: 4 }));
 *
 * With several threads, large loops, products and convolutions are shared among them; results have the bits that one thread computes. `engine.threads`
 * tells how many there are: one, where threads can't share memory.
 *
 * @throws ThreadCountError for threads that aren't a whole number from 1 to 64.
 */
export const createWasmEngine = (options: WasmOptions = {}): WasmEngine => createWasm(js, options);
