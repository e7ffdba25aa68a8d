/**
 * The transformations without all the rest: no engine, no methods of arrays, no names and lines of the user's code in what is printed. An app that has to
 * be small imports from here what it uses, functions from `remat/numpy`, and an engine of chosen kernels; a bundler leaves the rest of the library out.
 *
 *     import { checkpoint, grad, item, setEngine } from "remat/autodiff";
 *     import { arithmeticKernels, convertKernels, createJs, elementwiseKernels } from "remat/engines/js";
 *     import * as np from "remat/numpy";
 *
 *     setEngine(createJs(elementwiseKernels, arithmeticKernels, convertKernels));
 *     item(grad(checkpoint((x) => np.sin(x)))(0.5)); // 0.8775825500488281
 *
 * Everything here is also in `remat`, which is the entry for everyone else.
 */
import "./foundation.ts";

export { NDArray, NDArray as Array } from "./core/array.ts";
export { enableX64 } from "./core/config.ts";
export type { DType } from "./core/dtype.ts";
export { setEngine, type Engine } from "./core/engine.ts";
export { ClosedJaxpr, Jaxpr } from "./core/jaxpr.ts";
export type { Primitive } from "./core/primitive.ts";
export * from "./errors.ts";
export { bool, float, int } from "./numpy/asarray.ts";
export { item, toJS, type NestedElements } from "./numpy/reading.ts";
export { report } from "./report.ts";

export type { Gradient, GradOptions } from "./api/differentiated.ts";
export { jvp, jvpAux, linearize } from "./api/forward.ts";
export { grad, linearTranspose, valueAndGrad, vjp, vjpAux, type Pullback } from "./api/reverse.ts";
export { hessian, jacfwd, jacobian, jacrev } from "./api/jacobian.ts";
export { closureConvert, evalShape, jit, lower, makeJaxpr, ShapeDType, type JitOptions } from "./api/stage.ts";
export { customJvp, type CustomJvp } from "./api/customJvp.ts";
export { Perturbable, stopGradient, SymbolicZero, type CustomRuleOptions, type RuleOptions } from "./api/customRule.ts";
export { customRemat, type CustomRematOptions } from "./api/customRemat.ts";
export { customVjp, type CustomVjp } from "./api/customVjp.ts";
export { vmap, type AxisTree, type VmapOptions } from "./api/vmap.ts";

export { checkpoint, remat, type CheckpointOptions } from "./checkpoint.ts";
export {
  checkpointName,
  savesName,
  checkpointPolicies,
  Offloadable,
  Recompute,
  Saveable,
  type Policy,
  type PolicyAnswer,
} from "./policies.ts";
