/**
 * Chains of unequal stages: the fastest reversal within a memory budget. For each stage it keeps nothing, its input, or the record of everything
 * its reversal needs; what is kept stays until it is used (a persistent schedule), and among those the schedule is optimal. A dynamic program over
 * intervals of the chain and amounts of memory finds it.
 *
 * Beaumont, Eyraud-Dubois, Herrmann, Joly and Shilova, Optimal checkpointing for heterogeneous chains: how to train deep neural networks with
 * limited memory (2019).
 */
import type { Action } from "./action.ts";
import { BudgetError, ScheduleError } from "../errors.ts";

/** What a stage of a chain needs. Sizes are in any one unit, and so are times. */
export interface Stage {
  /** The size of its input. */
  readonly input: number;
  /** The size of all that its reversal needs beside its input, its output among it. */
  readonly record: number;
  /** The time of running it forward. */
  readonly forward: number;
  /** The time of reversing it from its record. */
  readonly backward: number;
  /** Memory that it needs only while it runs. */
  readonly forwardOverhead?: number;
  readonly backwardOverhead?: number;
}

export interface ChainPlan {
  /** The time of the whole: every run forward and every reversal. */
  readonly time: number;
  /** The same without recomputation. */
  readonly baseline: number;
  readonly actions: readonly Action[];
  /** How the chain is cut: what `checkpointSequential` nests. */
  readonly tree: ChainTree;
}

/** Stages `from` to `to`: the first is recorded and the rest follows; or the part before `at` keeps its input alone, and the rest follows. */
export type ChainTree =
  | { readonly kind: "record"; readonly from: number; readonly to: number; readonly rest: ChainTree | null }
  | {
      readonly kind: "checkpoint";
      readonly from: number;
      readonly to: number;
      readonly at: number;
      readonly first: ChainTree;
      readonly rest: ChainTree;
    };

/** Sizes in units of which the budget has no more than `resolution`: exact if all are integers and few enough, else rounded up. */
function quantized(stages: readonly Stage[], memory: number, resolution: number) {
  const sizes = [
    memory,
    ...stages.flatMap((s) => [s.input, s.record, s.forwardOverhead ?? 0, s.backwardOverhead ?? 0]),
  ];
  const exact = sizes.every(Number.isInteger) && memory <= resolution;
  const unit = exact ? 1 : memory / resolution;
  const up = (x: number | undefined): number => (unit === 0 ? (x ?? 0) : Math.ceil((x ?? 0) / unit - 1e-9));
  return {
    total: unit === 0 ? 0 : Math.floor(memory / unit + 1e-9),
    input: stages.map((s) => up(s.input)),
    record: stages.map((s) => up(s.record)),
    forwardOverhead: stages.map((s) => up(s.forwardOverhead)),
    backwardOverhead: stages.map((s) => up(s.backwardOverhead)),
  };
}

/**
 * The fastest persistent schedule that reverses the chain within `memory`, the input of the first stage included.
 *
 * `output` is the size of what the last stage makes, which is that of its cotangent. `resolution`: into how many units the budget is divided; sizes
 * are rounded up to units, unless all are integers and the budget is no larger than that.
 *
 * @throws BudgetError if no such schedule fits. @throws ScheduleError if there are no stages, or if a number is negative.
 * @example
 * const stage = { input: 1, record: 2, forward: 1, backward: 2 };
 * schedules.rotor([1, 2, 3, 4, 5, 6, 7, 8].map(() => stage), 8).time; // 31
 */
export function rotor(
  stages: readonly Stage[],
  memory: number,
  options: { readonly output?: number; readonly resolution?: number } = {},
): ChainPlan {
  checkStages(stages, memory);
  const resolution = options.resolution ?? 500;
  const output = options.output ?? stages[stages.length - 1].input;
  const plan = solve(stages, memory, output, resolution);
  if (plan !== null) return plan;
  const smallest = smallestBudget(stages, output, resolution);
  throw new BudgetError(
    `a schedule of a chain was asked to stay within ${memory} bytes, and needs at least ${smallest} bytes. Give that much, or cut its largest stage ` +
      "in two.",
    smallest,
    stages.map((s, i) => ({ name: `stage ${i}`, bytes: s.input + s.record })).sort((a, b) => b.bytes - a.bytes),
  );
}

function checkStages(stages: readonly Stage[], memory: number): void {
  if (stages.length === 0)
    throw new ScheduleError("a schedule was asked of a chain without stages. Give at least one.");
  const numbers = stages.flatMap((s) => [
    s.input,
    s.record,
    s.forward,
    s.backward,
    s.forwardOverhead ?? 0,
    s.backwardOverhead ?? 0,
  ]);
  if (![...numbers, memory].every((x) => Number.isFinite(x) && x >= 0)) {
    throw new ScheduleError(
      `a schedule was asked of a chain with memory ${memory} and stages ${JSON.stringify(stages)}. Sizes, times and the budget are finite and ` +
        "not negative.",
    );
  }
}

function smallestBudget(stages: readonly Stage[], output: number, resolution: number): number {
  let high = stages.reduce(
    (sum, s) => sum + s.input + s.record + (s.forwardOverhead ?? 0) + (s.backwardOverhead ?? 0),
    output + 1,
  );
  let low = 0;
  while (solve(stages, high, output, resolution) === null) high *= 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (solve(stages, middle, output, resolution) === null) low = middle;
    else high = middle;
  }
  return high;
}

function solve(stages: readonly Stage[], memory: number, output: number, resolution: number): ChainPlan | null {
  const n = stages.length;
  const q = quantized(stages, memory, resolution);
  const exactUnit = q.total === 0 ? 1 : memory / q.total;
  const sizes = [...q.input, Math.ceil(output / exactUnit - 1e-9)];
  const width = q.total + 1;
  const cost: Float64Array[][] = [];
  const choice: Int32Array[][] = [];
  const forward = [0];
  for (const stage of stages) forward.push(forward[forward.length - 1] + stage.forward);
  for (let s = n - 1; s >= 0; s--) {
    cost[s] = [];
    choice[s] = [];
    const { forward: uf, backward: ub } = stages[s];
    const recordNeed = sizes[s + 1] + q.record[s] + Math.max(q.forwardOverhead[s], q.backwardOverhead[s]);
    let walk = sizes[s + 1] + q.forwardOverhead[s];
    for (let t = s; t < n; t++) {
      const best = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
      const chosen = new Int32Array(width).fill(-1);
      if (t > s + 1) walk = Math.max(walk, sizes[t - 1] + sizes[t] + q.forwardOverhead[t - 1]);
      const walkNeed = sizes[t + 1] + walk;
      for (let m = 0; m < width; m++) {
        if (m >= recordNeed) {
          const rest = t === s ? 0 : m >= q.record[s] ? cost[s + 1][t][m - q.record[s]] : Number.POSITIVE_INFINITY;
          best[m] = uf + rest + ub;
          if (best[m] < Number.POSITIVE_INFINITY) chosen[m] = 0;
        }
        if (m < walkNeed) continue;
        for (let at = s + 1; at <= t; at++) {
          const left = m - sizes[at];
          if (left < 0) continue;
          const total = forward[at] - forward[s] + cost[at][t][left] + cost[s][at - 1][m];
          if (total < best[m]) {
            best[m] = total;
            chosen[m] = at;
          }
        }
      }
      cost[s][t] = best;
      choice[s][t] = chosen;
    }
  }
  const available = q.total - sizes[0];
  if (available < 0 || !(cost[0][n - 1][available] < Number.POSITIVE_INFINITY)) return null;
  const treeOf = (from: number, to: number, m: number): ChainTree => {
    const at = choice[from][to][m];
    if (at > 0) {
      const rest = treeOf(at, to, m - sizes[at]);
      return { kind: "checkpoint", from, to, at, first: treeOf(from, at - 1, m), rest };
    }
    return { kind: "record", from, to, rest: from === to ? null : treeOf(from + 1, to, m - q.record[from]) };
  };
  const tree = treeOf(0, n - 1, available);
  return {
    time: cost[0][n - 1][available],
    baseline: stages.reduce((sum, s) => sum + s.forward + s.backward, 0),
    actions: [{ kind: "store", step: 0, slot: 0 }, ...actionsOf(tree, 0, [0]), { kind: "free", step: 0, slot: 0 }],
    tree,
  };
}

/** `from`: the slot of the state of the tree's first stage, null if it is in the record before. `used`: the slots that are taken. */
function* actionsOf(tree: ChainTree, from: number | null, used: readonly number[]): Generator<Action, void> {
  if (tree.kind === "record") {
    if (tree.rest !== null) {
      yield { kind: "record", step: tree.from };
      yield* actionsOf(tree.rest, null, used);
    }
    yield { kind: "vjp", step: tree.from };
    return;
  }
  let slot = 0;
  while (used.includes(slot)) slot += 1;
  yield { kind: "advance", from: tree.from, to: tree.at };
  yield { kind: "store", step: tree.at, slot };
  yield* actionsOf(tree.rest, slot, [...used, slot]);
  yield { kind: "free", step: tree.at, slot };
  yield { kind: "restore", step: tree.from, slot: from };
  yield* actionsOf(tree.first, from, used);
}
