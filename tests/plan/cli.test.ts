/** The command line, run as users run it, and the files it reads. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, describe, expect, it } from "vitest";
import { PlanGraphError, readNodeLink } from "../../src/plan/index.ts";
import { replay, uNet } from "./graphs.ts";

const folder = mkdtempSync(join(tmpdir(), "remat-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));

const graph = uNet(3);
const document = {
  nodes: graph.nodes.map((node, id) => ({
    id,
    name: node.name,
    backward: node.backward ?? false,
    cost_cpu: node.cost,
    cost_ram: node.bytes,
  })),
  links: graph.edges.map((edge) => ({ source: edge[0], target: edge[1] })),
};
const file = join(folder, "graph.json");
writeFileSync(file, JSON.stringify(document));

function remat(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const cli = join(import.meta.dirname, "../../src/cli.ts");
  return spawnSync(process.execPath, ["--conditions=@remat/source", cli, ...args], { encoding: "utf8" });
}

describe("remat plan-graph", () => {
  it("--json prints a plan that can be replayed", () => {
    const { status, stdout, stderr } = remat("plan-graph", file, "--budget", "0.7", "--json");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const plan = JSON.parse(stdout);
    const { peak, time } = replay(graph, plan.sequence);
    expect(peak).toBe(plan.peak);
    expect(time).toBe(plan.time);
    expect(peak).toBeLessThanOrEqual(0.7 * plan.baseline.peak);
    expect(plan.overhead).toBeCloseTo(time / plan.baseline.time - 1, 12);
  });

  it("a table is for readers", () => {
    const { status, stdout } = remat("plan-graph", file, "--budget", "70%", "--effort", "0");
    expect(status).toBe(0);
    for (const title of ["peak", "extra time", "recomputed"]) expect(stdout).toContain(title);
  });

  it("what cannot be is said in a line, not in a stack", () => {
    const small = remat("plan-graph", file, "--budget", "0.01");
    expect(small.status).toBe(1);
    expect(small.stderr).toMatch(/^BudgetError: a plan within .*smallest peak found/);
    writeFileSync(join(folder, "bad.json"), "{ nodes: }");
    for (const path of [join(folder, "bad.json"), join(folder, "none.json")]) {
      const { status, stderr } = remat("plan-graph", path, "--budget", "0.5");
      expect(status).toBe(1);
      expect(stderr).toMatch(/^PlanGraphError: .*\n$/);
    }
    expect(remat("plan-graph", file).status).toBe(2);
    expect(remat("plan-graph", file, "--budget", "0.5", "--fast").stderr).toContain("--budget AMOUNT");
    expect(remat("--help").stdout).toContain("plan-graph FILE.json");
  });
});

describe("node-link files", () => {
  it.each([
    ["no document", null, "no array `nodes`"],
    ["no links", { nodes: [] }, "no array `links`"],
    ["a node that is no object", { nodes: [3], links: [] }, "nodes[0]"],
    ["a size that is a string", { nodes: [{ cost_cpu: 1, cost_ram: "8" }], links: [] }, "nodes[0].cost_ram"],
    ["a missing time", { nodes: [{ cost_ram: 8 }], links: [] }, "nodes[0].cost_cpu is missing"],
    ["a negative time", { nodes: [{ cost_cpu: -1, cost_ram: 8 }], links: [] }, "nodes[0].cost_cpu is -1"],
    ["a link to nowhere", { nodes: [{ cost_cpu: 1, cost_ram: 8 }], links: [{ source: 0, target: 4 }] }, "links[0].target is 4"], // prettier-ignore
    ["an id twice", { nodes: [{ id: 1, cost_cpu: 1, cost_ram: 8 }, { id: 1, cost_cpu: 1, cost_ram: 8 }], links: [] }, "nodes[1].id"], // prettier-ignore
    ["no JSON", "[", "no JSON"],
  ])("%s is refused, with its place", (_, bad, place) => {
    expect(() => readNodeLink(bad)).toThrow(PlanGraphError);
    expect(() => readNodeLink(bad)).toThrow(place);
  });

  it("ids may be any, and name the nodes", () => {
    const { edges } = readNodeLink({
      nodes: [
        { id: "a", cost_cpu: 1, cost_ram: 8 },
        { id: "b", cost_cpu: 1, cost_ram: 8 },
      ],
      links: [{ source: "a", target: "b" }],
    });
    expect(edges).toEqual([[0, 1]]);
  });
});
