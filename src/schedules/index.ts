/** The public names of `remat/schedules`. */
export type { Action, Schedule } from "./action.ts";
export { binomial, firstCheckpoints, minimalSteps, nextCheckpoint } from "./binomial.ts";
export { countSteps, type StepCount } from "./count.ts";
export { drawSchedule } from "./draw.ts";
export { online } from "./online.ts";
export { rotor, type ChainPlan, type ChainTree, type Stage } from "./rotor.ts";
export { logSlots, sqrt, sqrtSlots, storeAll, storeStart } from "./simple.ts";
