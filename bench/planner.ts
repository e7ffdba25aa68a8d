/**
 * `npm run bench -- planner [--graphs=DIR] [--exact]`: the planner on profiled training graphs in node-link JSON, beside Chen's segments, the
 * knapsack on saved bytes, the smallest cut, and HiGHS if asked (`--exact`). Overheads are shares of the time of a step; a dash says that no plan of that kind has
 * such a peak. The graphs are others' data and are not part of this project: without them there is nothing to measure.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  BudgetError,
  chenPlans,
  type GraphPlan,
  knapsackPlan,
  minCutPlan,
  planGraph,
  planGraphExact,
  readNodeLink,
} from "../src/plan/index.ts";

const budgets: Readonly<Record<string, readonly number[]>> = {
  vgg16: [0.9],
  unet: [0.9, 0.8, 0.7, 0.6, 0.5, 0.45],
  segnet: [0.9, 0.8, 0.7, 0.6, 0.5, 0.45],
  mobilenet: [0.5, 0.4, 0.3, 0.25],
};
/** Time for the solver, for each budget. */
const SOLVER_SECONDS = 60;
const anyGraph = [0.9, 0.7, 0.5, 0.3];

export async function benchPlanner(flags: readonly string[]): Promise<void> {
  const flag = flags.find((text) => text.startsWith("--graphs="));
  const folder =
    flag?.slice("--graphs=".length) ?? process.env.REMAT_GRAPHS ?? join(import.meta.dirname, "../../shared/graphs");
  if (!existsSync(folder)) {
    console.log(`planner: skipped, there is no folder ${folder} of graphs; name one by --graphs=DIR or REMAT_GRAPHS`);
    return;
  }
  const row = (...cells: readonly string[]): void =>
    console.log(cells.map((cell, k) => cell.padStart(k === 0 ? 10 : 9)).join(" "));
  const exact = flags.includes("--exact");
  const solved = exact ? ["exact", "proven"] : [];
  row("graph", "budget", "planner", "peak", "ms", "Chen", "knapsack", "cut peak", "cut", ...solved);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const name = file.replace(/\.json$/, "");
    const graph = readNodeLink(readFileSync(join(folder, file), "utf8"));
    const chen = chenPlans(graph);
    const sack = Array.from({ length: 41 }, (_, k) => knapsackPlan(graph, { saved: k / 40 }));
    const cut = minCutPlan(graph);
    for (const memory of budgets[name] ?? anyGraph) {
      const start = performance.now();
      const plan = await attempt(() => planGraph(graph, { memory }));
      const ms = performance.now() - start;
      const bytes = memory * cut.baseline.peak;
      const best = exact
        ? await attempt(() => planGraphExact(graph, { memory, solverSeconds: SOLVER_SECONDS }))
        : undefined;
      row(
        name,
        memory.toFixed(2),
        percent(plan),
        plan === undefined ? "-" : (plan.peak / plan.baseline.peak).toFixed(3),
        ms.toFixed(0),
        percent(fastest(chen, bytes)),
        percent(fastest(sack, bytes)),
        (cut.peak / cut.baseline.peak).toFixed(3),
        percent(cut),
        ...(exact
          ? [percent(best), best === undefined ? "-" : best.proven ? "yes" : `no (${String(best.stopped)})`]
          : []),
      );
    }
  }
}

const percent = (plan: GraphPlan | undefined): string =>
  plan === undefined ? "-" : `${(100 * plan.overhead).toFixed(2)} %`;

function fastest(plans: readonly GraphPlan[], bytes: number): GraphPlan | undefined {
  return plans.filter(({ peak }) => peak <= bytes).sort((a, b) => a.time - b.time)[0];
}

async function attempt<P extends GraphPlan>(f: () => P | Promise<P>): Promise<P | undefined> {
  try {
    return await f();
  } catch (error) {
    if (error instanceof BudgetError) return undefined;
    throw error;
  }
}
