/**
 * Planning in a worker, so that a page or a server goes on meanwhile: `planGraphInWorker` and `paretoGraphInWorker` are `planGraph` and `paretoGraph` that
 * give promises. A graph is plain data, and so are plans; costs are computed before the graph is sent. Works in Node and in browsers; a
 * bundler finds the worker's file by its `new URL(...)`.
 */
import { BudgetError, PlanGraphError } from "../errors.ts";
import type { PlanGraph } from "./graph.ts";
import type { ParetoOptions } from "./paretoGraph.ts";
import { type GraphPlan, type PlanOptions, withCost } from "./planGraph.ts";
import type { PlanProgress } from "./search.ts";
import type { WorkerAnswer, WorkerRequest } from "./worker.ts";

/** What ends a worker before it is done. */
export interface WorkerOptions {
  /** Ends the search; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Plans a graph within a budget, in a worker. As `planGraph`, but `onProgress` cannot end the search: a signal can. */
export async function planGraphInWorker(graph: PlanGraph, options: PlanOptions & WorkerOptions): Promise<GraphPlan> {
  const { cost, onProgress, signal, ...rest } = options;
  const [plan] = await ask({ kind: "plan", graph: withCost(graph, cost), options: rest }, onProgress, signal);
  return plan;
}

/** The whole curve of a graph, found in a worker. */
export function paretoGraphInWorker(
  graph: PlanGraph,
  options: ParetoOptions & WorkerOptions = {},
): Promise<readonly GraphPlan[]> {
  const { cost, onProgress, signal, ...rest } = options;
  return ask({ kind: "pareto", graph: withCost(graph, cost), options: rest }, onProgress, signal);
}

/** A worker of Node or of a browser. */
interface AnyWorker {
  postMessage(request: WorkerRequest): void;
  terminate(): unknown;
  listen(onAnswer: (answer: WorkerAnswer) => void, onError: (error: unknown) => void): void;
}

interface NodeWorker {
  postMessage(request: WorkerRequest): void;
  terminate(): unknown;
  on(event: "message" | "error", f: (value: never) => void): void;
}
interface BrowserWorker {
  postMessage(request: WorkerRequest): void;
  terminate(): void;
  onmessage: ((event: { readonly data: WorkerAnswer }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
}
interface Scope {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly Worker?: new (url: URL, options: { readonly type: "module" }) => BrowserWorker;
}

function startWorker(): AnyWorker {
  const scope = globalThis as unknown as Scope;
  const threads = scope.process?.getBuiltinModule?.("node:worker_threads") as
    { readonly Worker: new (url: URL) => NodeWorker } | undefined;
  if (threads !== undefined) {
    // Unbuilt, the source runs as it is.
    const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
    const worker = new threads.Worker(new URL(file, import.meta.url));
    return {
      postMessage: (request) => worker.postMessage(request),
      terminate: () => worker.terminate(),
      listen: (onAnswer, onError) => {
        worker.on("message", onAnswer);
        worker.on("error", onError);
      },
    };
  }
  const { Worker } = scope;
  if (Worker === undefined) {
    throw new PlanGraphError(
      "a plan was asked for in a worker, and there are no workers here. Use planGraph, which plans at once.",
    );
  }
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return {
    postMessage: (request) => worker.postMessage(request),
    terminate: () => worker.terminate(),
    listen: (onAnswer, onError) => {
      worker.onmessage = ({ data }) => onAnswer(data);
      worker.onerror = ({ message }) => onError(new PlanGraphError(`the planner's worker failed: ${message}`));
    },
  };
}

async function ask(
  request: WorkerRequest,
  onProgress: ((progress: PlanProgress) => boolean | void) | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly GraphPlan[]> {
  signal?.throwIfAborted();
  const worker = startWorker();
  try {
    return await new Promise<readonly GraphPlan[]>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      worker.listen((answer) => {
        if (answer.kind === "progress") onProgress?.(answer.progress);
        else if (answer.kind === "done") resolve(answer.plans);
        else reject(errorOf(answer));
      }, reject);
      worker.postMessage(request);
    });
  } finally {
    worker.terminate();
  }
}

const errorOf = ({ message, smallest, holders, isGraphError }: WorkerAnswer & { readonly kind: "failed" }): Error =>
  smallest !== undefined
    ? new BudgetError(message, smallest, holders ?? [])
    : isGraphError
      ? new PlanGraphError(message)
      : new Error(message);
