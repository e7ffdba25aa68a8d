#!/usr/bin/env node
/**
 * The command line: `remat plan-graph FILE.json --budget 0.5 [--json] [--unit-cost] [--effort N] [--time-limit MS] [--exact]` plans the training graph
 * of a file within a memory budget.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { PlanGraphError, RematError } from "./errors.ts";
import { type ExactPlan, planGraphExact } from "./plan/exact/planExact.ts";
import { formatBytes } from "./bytes.ts";
import { readNodeLink } from "./plan/nodeLink.ts";
import { type GraphPlan, planGraph, type PlannedNode } from "./plan/planGraph.ts";

const usage = `remat plan-graph FILE.json --budget AMOUNT [options]

Plans a training graph (networkx node-link JSON: nodes with name, backward, cost_cpu and
cost_ram, links with source and target) so that its memory stays within a budget.

  --budget AMOUNT    bytes, a share of the peak (0.5, 50%), or with a unit (64MiB)
  --json             print { peak, time, baseline, overhead, sequence, ... }
  --unit-cost        count steps instead of cost_cpu
  --effort N         search N times as much (1)
  --time-limit MS    take the best plan found in so many milliseconds
  --exact            let HiGHS (npm install highs) prove how good the plan is, or better it
  --solver-seconds N what the solver may take (60)
`;

async function main(argv: readonly string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        budget: { type: "string" },
        json: { type: "boolean" },
        "unit-cost": { type: "boolean" },
        effort: { type: "string" },
        "time-limit": { type: "string" },
        exact: { type: "boolean" },
        "solver-seconds": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const [command, file, ...more] = positionals;
  if (command !== "plan-graph" || file === undefined || more.length > 0 || values.budget === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  try {
    const graph = readNodeLink(read(file));
    const options = {
      memory: values.budget,
      cost: values["unit-cost"] === true ? ("unit" as const) : ("given" as const),
      ...(values.effort === undefined ? {} : { effort: Number(values.effort) }),
      ...(values["time-limit"] === undefined ? {} : { timeLimit: Number(values["time-limit"]) }),
      ...(values["solver-seconds"] === undefined ? {} : { solverSeconds: Number(values["solver-seconds"]) }),
    };
    const plan = values.exact === true ? await planGraphExact(graph, options) : planGraph(graph, options);
    process.stdout.write(values.json === true ? `${JSON.stringify(plan)}\n` : printed(plan));
    return 0;
  } catch (error) {
    if (!(error instanceof RematError)) throw error;
    process.stderr.write(`${error.name}: ${error.message}\n`);
    return 1;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new PlanGraphError(
      `plan-graph: the file ${file} cannot be read (${(error as Error).message}); give the path of a node-link JSON file.`,
    );
  }
}

function printed(plan: GraphPlan & Partial<ExactPlan>): string {
  const percent = (x: number): string => `${(100 * x).toFixed(2)} %`;
  const ofPeak = (bytes: number): string =>
    `${formatBytes(bytes)} (${percent(bytes / Math.max(1, plan.baseline.peak))})`;
  const rows: readonly (readonly [string, string])[] = [
    ["budget", plan.budget === Infinity ? "none" : ofPeak(plan.budget)],
    ["peak", ofPeak(plan.peak)],
    ["peak without a plan", formatBytes(plan.baseline.peak)],
    ["least possible peak", ofPeak(plan.lowerBound.peak)],
    ["extra time", percent(plan.overhead)],
    ...(plan.proven === undefined
      ? []
      : [["proven", `no plan in the given order takes less than ${percent(lowest(plan))} extra`] as const]),
    ["steps", `${plan.sequence.length}, ${plan.sequence.length - new Set(plan.sequence).size} of them repeats`],
    ["saved", list(plan.saved)],
    ["recomputed", list(plan.recomputed)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)} ${value}\n`).join("");
}

const lowest = ({ lowerBound, baseline }: GraphPlan): number =>
  baseline.time > 0 ? lowerBound.time / baseline.time - 1 : 0;

function list(nodes: readonly PlannedNode[]): string {
  if (nodes.length === 0) return "nothing";
  const largest = [...nodes].sort((a, b) => b.bytes - a.bytes);
  const shown = largest
    .slice(0, 8)
    .map(({ name, bytes, runs }) => `${name} ${formatBytes(bytes)}${runs > 2 ? ` ×${runs - 1}` : ""}`);
  return shown.join(", ") + (nodes.length > 8 ? `, and ${nodes.length - 8} more` : "");
}

process.exitCode = await main(process.argv.slice(2));
