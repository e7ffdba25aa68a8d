/**
 * The exact planner: the search's plan, and a proof of how much better a plan could be, or a better plan. It solves the program of
 * `stages.ts` by HiGHS (Huangfu and Hall, 2018), an optional peer dependency (`npm install highs`) that runs in WebAssembly.
 *
 * The proof is about plans of Checkmate's form: nodes run for the first time in the given order, and between two first runs no node runs
 * twice. The search is not bound to that, and may be faster than all of them; its plan then counts as proven all the same.
 */
import { PlanGraphError } from "../../errors.ts";
import { flatten, type PlanGraph } from "../graph.ts";
import { parseBudget } from "../../bytes.ts";
import { describe, type GraphPlan, planGraph, type PlanOptions, withCost } from "../planGraph.ts";
import { traceOf } from "../simulate.ts";
import { sequenceOf, stagesOf, type Stages } from "./stages.ts";

export interface ExactOptions extends PlanOptions {
  /** Seconds that the solver may take. */
  readonly solverSeconds?: number;
}

export interface ExactPlan extends GraphPlan {
  /** Whether the solver proved that no plan of this form is faster (within a thousandth of a percent of the time). */
  readonly proven: boolean;
  /** What ended the solver before it had proven anything: its time, or the 4 GiB that it has as WebAssembly; null if nothing did. */
  readonly stopped: "time" | "memory" | null;
  /** The time of the search's own plan. */
  readonly searchTime: number;
  /** The size of the program. */
  readonly columns: number;
  readonly rows: number;
}

/** What the solver says about a program. */
export interface Answer {
  /** The best solution, if there is one. */
  readonly solution: Float64Array | undefined;
  /** A lower bound of the objective: 1 where no plan is faster than the one that is known. */
  readonly bound: number;
  readonly proven: boolean;
  readonly stopped: ExactPlan["stopped"];
}

/** Programs with more entries than this are refused: they would take the solver's memory and hours. */
const MOST_ENTRIES = 6_000_000;

/** Plans a graph within a budget, and proves how good the plan is. @throws {PlanGraphError} where `highs` is not installed. */
export async function planGraphExact(graph: PlanGraph, options: ExactOptions): Promise<ExactPlan> {
  const searched = planGraph(graph, options);
  const flat = flatten(withCost(graph, options.cost));
  const baseline = traceOf(flat, flat.order);
  const budget = parseBudget(options.memory, baseline.peak);
  const most = searched.time - flat.cost.reduce((a, b) => a + b, 0);
  const facts = { searchTime: searched.time, columns: 0, rows: 0, stopped: null };
  if (!(most > 0))
    return { ...searched, lowerBound: { ...searched.lowerBound, time: searched.time }, gap: 0, proven: true, ...facts };
  const stages = stagesOf(flat, budget, most);
  const { program } = stages;
  facts.columns = program.cost.length;
  facts.rows = program.upper.length;
  if (program.columns.length > MOST_ENTRIES) {
    throw new PlanGraphError(
      `an exact plan of ${flat.size} nodes was asked for: its program has ${program.columns.length} entries, more than a solver can take. ` +
        "Use planGraph without an exact solver, or plan parts of the graph.",
    );
  }
  const answer = await solveStages(stages, options.solverSeconds ?? 60, (1e-5 * baseline.time) / most);
  let best: GraphPlan = searched;
  if (answer.solution !== undefined) {
    const plan = describe(flat, sequenceOf(flat, stages, answer.solution), budget, baseline);
    if (plan.peak <= budget && plan.time < best.time) best = plan;
  }
  const bound = Math.min(best.time, baseline.time + Math.max(0, Math.min(1, answer.bound)) * most);
  return {
    ...best,
    lowerBound: { peak: best.lowerBound.peak, time: bound },
    gap: best.time > 0 ? (best.time - bound) / best.time : 0,
    ...facts,
    proven: answer.proven,
    stopped: answer.stopped,
  };
}

/** Solves a program to an absolute `gap`. @internal */
export async function solveStages({ program }: Stages, seconds: number, gap: number): Promise<Answer> {
  const load = await import("highs").then(
    // The types describe the CommonJS build; the module of the other build is the function itself.
    (module) => module.default as unknown as typeof module.default.default,
    (): never => {
      throw new PlanGraphError(
        "an exact plan was asked for: it needs the package highs. Install it: npm install highs",
      );
    },
  );
  const highs = await load();
  const numCols = program.cost.length;
  const numRows = program.upper.length;
  try {
    return highs.withModel(
      {
        numCols,
        numRows,
        colCost: program.cost,
        colLower: new Float64Array(numCols),
        colUpper: new Float64Array(numCols).fill(1),
        rowLower: new Float64Array(numRows).fill(-highs.infinity),
        rowUpper: program.upper,
        integrality: Int32Array.from(program.integer),
        matrix: {
          format: "csr",
          numRows,
          numCols,
          starts: program.starts,
          indices: program.columns,
          values: program.values,
        },
      },
      (model): Answer => {
        model.options.set({ output_flag: false, time_limit: seconds, mip_abs_gap: gap, mip_rel_gap: 1e-5 });
        model.run();
        const { modelStatus } = highs.constants;
        const status = model.getModelStatus();
        if (status === modelStatus.infeasible) return { solution: undefined, bound: 1, proven: true, stopped: null };
        const bound = Number(model.info.get("mip_dual_bound"));
        const found = Number(model.info.get("primal_solution_status")) === 2;
        return {
          solution: found ? Float64Array.from(model.getSolution().colValue) : undefined,
          bound: Number.isFinite(bound) ? bound : 0,
          proven: status === modelStatus.optimal,
          stopped: status === modelStatus.optimal ? null : "time",
        };
      },
    );
  } catch (error) {
    // The solver ends so when it gets no more memory. The plan of the search stands, unproven.
    if (error instanceof WebAssembly.RuntimeError)
      return { solution: undefined, bound: 0, proven: false, stopped: "memory" };
    throw error;
  }
}
