/** The public names of optim. */
export {
  identity,
  setToZero,
  stateless,
  statelessWithTreeMap,
  type ArrayTree,
  type EmptyState,
  type ExtraArgs,
  type GradientTransformation,
  type OptState,
  type Scalar,
  type ScalarOrSchedule,
  type Schedule,
  type StateOf,
} from "./base.ts";
export * from "./accumulation.ts";
export * from "./adam.ts";
export * from "./adding.ts";
export * from "./clipping.ts";
export * from "./combining.ts";
export * from "./conditional.ts";
export * from "./factorized.ts";
export * from "./inject.ts";
export { globalNorm, safeIncrement, safeNorm, safeRootMeanSquares } from "./moments.ts";
export * from "./optimizers.ts";
export * from "./others.ts";
export * from "./quasiNewton.ts";
export * from "./scaling.ts";
export * from "./schedules.ts";
export * from "./updates.ts";
