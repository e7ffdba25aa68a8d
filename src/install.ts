/** Puts the package together: the default engine, and the primitives that the core needs by name. Importing it is its effect. */
import { setAxisOps } from "./core/axes.ts";
import { setEngine } from "./core/engine.ts";
import { installEval } from "./core/eval.ts";
import { setZerosMaker } from "./core/zeros.ts";
import { js } from "./engines/js/index.ts";
import { createWasm } from "./engines/wasm/index.ts";
import { setDevicePut } from "./passes/partialEval.ts";
import { devicePutP } from "./primitives/devicePut.ts";
import { expanded, movedAxis, repeatedAt, summed } from "./primitives/shape.ts";
import "./numpy/methods.ts";
import { makeZeros } from "./primitives/zerosMaker.ts";

installEval();
setEngine(createWasm(js));
setZerosMaker(makeZeros);
setAxisOps({
  broadcast: repeatedAt,
  moveAxis: movedAxis,
  sum: (x, axis) => summed(x, [axis]),
  expandDims: expanded,
});
setDevicePut(devicePutP);
