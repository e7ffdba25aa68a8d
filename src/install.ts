/** Puts the package together: the default engine, methods of arrays, and programs that print themselves. Importing it is its effect. */
import "./foundation.ts";
import { registerEngine, setEngine } from "./core/engine.ts";
import { js } from "./engines/js/index.ts";
import { createWasm } from "./engines/wasm/index.ts";
import "./numpy/methods.ts";
import { report } from "./report.ts";

/** The environment may name the engine to begin with, and its threads: `REMAT_ENGINE=js`, `REMAT_THREADS=2`. */
const { process } = globalThis as {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
};

registerEngine(js);
registerEngine(createWasm(js, { threads: Number(process?.env?.REMAT_THREADS ?? 1) }));
setEngine(process?.env?.REMAT_ENGINE ?? "wasm");
report();
