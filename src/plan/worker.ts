/** The worker in which a graph is planned: is sent one request, answers with progress, and at last with the plan or the error. */
import { BudgetError, type BudgetHolder, PlanGraphError } from "../errors.ts";
import type { PlanGraph } from "./graph.ts";
import { paretoGraph, type ParetoOptions } from "./paretoGraph.ts";
import { type GraphPlan, planGraph, type PlanOptions } from "./planGraph.ts";
import type { PlanProgress } from "./search.ts";

/** What a worker is asked: plain data, since functions cannot be sent. */
export type WorkerRequest =
  | { readonly kind: "plan"; readonly graph: PlanGraph; readonly options: PlanOptions }
  | { readonly kind: "pareto"; readonly graph: PlanGraph; readonly options: ParetoOptions };

export type WorkerAnswer =
  | { readonly kind: "progress"; readonly progress: PlanProgress }
  | { readonly kind: "done"; readonly plans: readonly GraphPlan[] }
  | {
      readonly kind: "failed";
      readonly message: string;
      /** Of a BudgetError. */
      readonly smallest?: number;
      readonly holders?: readonly BudgetHolder[];
      readonly isGraphError: boolean;
    };

interface Port {
  postMessage(answer: WorkerAnswer): void;
}

function answer(port: Port, request: WorkerRequest): void {
  const onProgress = (progress: PlanProgress): void => port.postMessage({ kind: "progress", progress });
  try {
    const plans =
      request.kind === "plan"
        ? [planGraph(request.graph, { ...request.options, onProgress })]
        : paretoGraph(request.graph, { ...request.options, onProgress });
    port.postMessage({ kind: "done", plans });
  } catch (error) {
    const { message } = error as Error;
    port.postMessage(
      error instanceof BudgetError
        ? { kind: "failed", message, smallest: error.smallest, holders: error.holders, isGraphError: false }
        : { kind: "failed", message, isGraphError: error instanceof PlanGraphError },
    );
  }
}

interface NodeThreads {
  readonly parentPort: (Port & { on(event: "message", f: (request: WorkerRequest) => void): void }) | null;
}
interface Scope extends Port {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  onmessage: ((event: { readonly data: WorkerRequest }) => void) | null;
}

const scope = globalThis as unknown as Scope;
const threads = scope.process?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
if (threads?.parentPort != null) {
  const port = threads.parentPort;
  port.on("message", (request) => answer(port, request));
} else {
  scope.onmessage = ({ data }) => answer(scope, data);
}
