/** `remat/plan`: the memory planner on plain graphs, and the simple planners beside which it is measured. */
export { BudgetError, type BudgetHolder, PlanGraphError } from "../errors.ts";
export type { InPlace, PlanEdge, PlanGraph, PlanNode, PlanOutput } from "./graph.ts";
export { type ExactOptions, type ExactPlan, planGraphExact } from "./exact/planExact.ts";
export { paretoGraphInWorker, planGraphInWorker, type WorkerOptions } from "./inWorker.ts";
export { formatBytes, parseBudget } from "../bytes.ts";
export { readNodeLink } from "./nodeLink.ts";
export { type ParetoOptions, paretoGraph } from "./paretoGraph.ts";
export {
  type GraphPlan,
  planGraph,
  type PlanCost,
  type PlannedNode,
  type PlanOptions,
  type SearchSettings,
} from "./planGraph.ts";
export type { PlanProgress } from "./search.ts";
export { type PlanStep, simulateGraph, type Simulation } from "./simulate.ts";
export { type ChenOptions, chenPlan, chenPlans } from "./simple/chen.ts";
export { knapsackPlan } from "./simple/knapsack.ts";
export { minCutPlan, type MinCutOptions } from "./simple/minCut.ts";
