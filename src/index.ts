/** The public names. */
import "./install.ts";

export { NDArray, NDArray as Array } from "./core/array.ts";
export { ShapedArray } from "./core/aval.ts";
export { enableX64 } from "./core/config.ts";
export type { DType } from "./core/dtype.ts";
export { ClosedJaxpr, Jaxpr } from "./core/jaxpr.ts";
export {
  setEngine,
  type CompileProgress,
  type Engine,
  type Kernel,
  type KernelCost,
  type MemoryBudget,
  type OffloadOptions,
} from "./core/engine.ts";
export { createWasmEngine } from "./wasmEngine.ts";
export type { WasmEngine, WasmOptions } from "./engines/wasm/index.ts";
export type { Primitive } from "./core/primitive.ts";
export * from "./errors.ts";
export * as tree from "./tree.ts";
export { registerNode } from "./tree.ts";

export { bool, float, int } from "./numpy/asarray.ts";
export * as np from "./numpy/index.ts";
export * as io from "./io/index.ts";
export * as lax from "./lax/index.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export * as random from "./random/index.ts";
export * as schedules from "./schedules/index.ts";
export * as ops from "./ops/index.ts";
export * as scipy from "./scipy/index.ts";

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

export { checkpointSequential, type Sequential, type SequentialOptions } from "./checkpointSequential.ts";
export { checkpoint, remat, type CheckpointOptions } from "./checkpoint.ts";
export {
  checkpointName,
  savesName,
  checkpointPolicies,
  Compressible,
  Offloadable,
  policyFromJSON,
  Recompute,
  Saveable,
  type CompressedFormat,
  type Policy,
  type PolicyAnswer,
  type PolicyJson,
  type SplitProgram,
} from "./policies.ts";
export { policyToJSON } from "./policy/json.ts";
export { policyToPython } from "./policy/python.ts";
export {
  logCheckpointResiduals,
  printSavedResiduals,
  residualTable,
  savedResiduals,
  type Consumer,
  type Cost,
  type PrintResidualsOptions,
  type Residual,
  type ResidualKind,
  type SavedResidual,
} from "./residuals.ts";
export { FwdBwd, fwdBwd, printFwdBwd } from "./fwdBwd.ts";
export { explain, printExplain, type Finding, type FindingKind } from "./explain.ts";
export {
  memory,
  printMemory,
  type HostReport,
  type LiveValue,
  type MemoryMoment,
  type MemoryReport,
} from "./memory.ts";
export {
  pareto,
  underPolicies,
  type Pareto,
  type ParetoOptions,
  type ParetoPoint,
  type ParetoReference,
} from "./pareto.ts";
export type { PlotElement, PlotOptions } from "./paretoPlot.ts";
export {
  plan,
  planAsync,
  type PeakAndTime,
  type PlanAsyncOptions,
  type PlannedValue,
  type PlanProgramOptions,
  type ProgramPlan,
} from "./planning.ts";
