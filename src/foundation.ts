/**
 * What every use of the library stands on: evaluation as the bottom of all interpreters, and the primitives that the core needs by name. Importing it is
 * its effect. Engines, methods of arrays, and what programs tell of themselves are installed by `install.ts`, for the package's entry.
 */
import { setAxisOps } from "./core/axes.ts";
import { installEval } from "./core/eval.ts";
import { setZerosMaker } from "./core/zeros.ts";
import { expanded, movedAxis, repeatedAt, summed } from "./primitives/shape.ts";
import { makeZeros } from "./primitives/zerosMaker.ts";

installEval();
setZerosMaker(makeZeros);
setAxisOps({
  broadcast: repeatedAt,
  moveAxis: movedAxis,
  sum: (x, axis) => summed(x, [axis]),
  expandDims: expanded,
});
