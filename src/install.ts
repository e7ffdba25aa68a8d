/** Puts the package together: the default engine, methods of arrays, and programs that print themselves. Importing it is its effect. */
import "./foundation.ts";
import { registerEngine, setEngine } from "./core/engine.ts";
import { js } from "./engines/js/index.ts";
import { createWasm } from "./engines/wasm/index.ts";
import "./numpy/methods.ts";
import { report } from "./report.ts";

registerEngine(js);
registerEngine(createWasm(js));
setEngine("wasm");
report();
