/**
 * The stages of Checkmate (Jain et al., 2020) as a mixed-integer program. Stage `t` runs what is to be computed again for the `t`-th node of
 * the given order, in that order, and then the node itself; a last stage brings back results. `again[t][i]` says whether stage `t` runs node
 * `i` again, `kept[t][x]` whether value `x` is there when stage `t` begins.
 *
 * Three things make it smaller than the original. A node that alone takes more time than a known plan adds is never run again. A node is only
 * run again in a stage that needs it. And a value that a stage computes or keeps is live at a step if something reads it there or later, or
 * the next stage begins with it: that is a maximum, for which continuous columns do, so that no products of binaries are needed.
 */
import type { FlatGraph } from "../graph.ts";
import { addColumn, addRow, addTerm, emptyProgram, emptySum, type Program, type Sum } from "./rows.ts";

export interface Stages {
  readonly program: Program;
  /** The column by stage and position, or -1. */
  readonly again: readonly Int32Array[];
}

interface Draft extends Stages {
  readonly graph: FlatGraph;
  readonly size: number;
  /** The column by stage and value, or -1. */
  readonly kept: Int32Array[];
  /** The values that each position reads; the last one reads the results. */
  readonly reads: readonly (readonly number[])[];
  /** The position of the node of a value. */
  readonly born: Int32Array;
  readonly valuesAt: readonly (readonly number[])[];
  /** The positions that read a value, ascending. */
  readonly readers: readonly (readonly number[])[];
}

/** Writes the program of all plans within `budget` that add less than `most` time. Its objective is the added time over `most`. */
export function stagesOf(graph: FlatGraph, budget: number, most: number): Stages {
  const draft = layOut(graph, most);
  for (let t = 0; t <= draft.size; t++) {
    available(draft, t);
    for (let k = 0; k < t; k++) if (draft.again[t][k] >= 0) addMemory(draft, t, k, budget);
    if (t < draft.size) addMemory(draft, t, t, budget);
  }
  const time = emptySum();
  draft.program.cost.forEach((cost, column) => {
    if (cost > 0) addTerm(time, column, cost);
  });
  addRow(draft.program, time, 1);
  return draft;
}

function layOut(graph: FlatGraph, most: number): Draft {
  const size = graph.size;
  const program = emptyProgram();
  const position = new Int32Array(size);
  graph.order.forEach((v, p) => (position[v] = p));
  const born = Int32Array.from(graph.valueNode, (v) => position[v]);
  const values = Array.from({ length: graph.bytes.length }, (_, x) => x);
  const reads: (readonly number[])[] = Array.from(graph.order, (v) =>
    Array.from(graph.reads.subarray(graph.readStart[v], graph.readStart[v + 1])),
  );
  reads.push(values.filter((x) => graph.kept[x] === 1));
  const readers: number[][] = values.map(() => []);
  reads.forEach((list, p) => list.forEach((x) => readers[x].push(p)));
  const valuesAt = Array.from(graph.order, (v) => values.slice(graph.valueStart[v], graph.valueStart[v + 1]));

  const again = Array.from({ length: size + 1 }, () => new Int32Array(size).fill(-1));
  const lastNeed = new Int32Array(values.length).fill(-1);
  for (let t = 0; t <= size; t++) {
    const stack = [t];
    for (let p = stack.pop(); p !== undefined; p = stack.pop()) {
      for (const x of reads[p]) {
        lastNeed[x] = t;
        const i = born[x];
        const v = graph.order[i];
        if (i >= t || again[t][i] >= 0 || graph.repeatable[v] === 0 || graph.cost[v] > most) continue;
        again[t][i] = addColumn(program, most > 0 ? graph.cost[v] / most : 0, true);
        stack.push(i);
      }
    }
  }
  const kept = Array.from({ length: size + 2 }, () => new Int32Array(values.length).fill(-1));
  for (const x of values) for (let t = born[x] + 1; t <= lastNeed[x]; t++) kept[t][x] = addColumn(program, 0, true);
  return { graph, size, program, again, kept, reads, born, valuesAt, readers };
}

/** What a stage reads is there, and what the next stage begins with was there or has been computed. */
function available({ program, again, kept, reads, born, size }: Draft, t: number): void {
  const requires = (p: number, reader: number): void => {
    for (const x of reads[p]) {
      const sum = emptySum();
      if (reader >= 0) addTerm(sum, reader, 1);
      else sum.constant = 1;
      addTerm(sum, again[t][born[x]], -1);
      addTerm(sum, kept[t][x], -1);
      addRow(program, sum, 0);
    }
  };
  requires(t, -1);
  for (let i = 0; i < t && i < size; i++) if (again[t][i] >= 0) requires(i, again[t][i]);
  for (let x = 0; x < born.length; x++) {
    if (kept[t][x] < 0) continue;
    const once = emptySum();
    addTerm(once, kept[t][x], 1);
    addTerm(once, again[t][born[x]], 1);
    if (once.terms.size > 1) addRow(program, once, 1);
    const before = t - 1;
    if (before <= born[x]) continue;
    const sum = emptySum();
    addTerm(sum, kept[t][x], 1);
    addTerm(sum, kept[before][x], -1);
    addTerm(sum, again[before][born[x]], -1);
    addRow(program, sum, 0);
  }
}

/** Whether value `x` is read in stage `t` at position `k` or later, or kept for the next stage: a column, 1, or nothing. */
function liveFrom(draft: Draft, t: number, x: number, k: number): number | "always" | undefined {
  const { program, again, kept, readers } = draft;
  const columns: number[] = [];
  if (t < draft.size && kept[t + 1][x] >= 0) columns.push(kept[t + 1][x]);
  for (const p of readers[x]) {
    if (p === t && p >= k) return "always";
    if (p >= k && p < t && again[t][p] >= 0) columns.push(again[t][p]);
  }
  if (columns.length <= 1) return columns[0];
  const any = addColumn(program, 0, false);
  for (const column of columns) {
    const sum = emptySum();
    addTerm(sum, column, 1);
    addTerm(sum, any, -1);
    addRow(program, sum, 0);
  }
  return any;
}

/** The memory of stage `t` while position `k` runs. */
function addMemory(draft: Draft, t: number, k: number, budget: number): void {
  const { graph, program, again, kept, born, valuesAt } = draft;
  const runs = k < t ? again[t][k] : -1;
  const sum: Sum = emptySum();
  const scale = Math.max(budget, 1);
  const add = (column: number | "always" | undefined, bytes: number): void => {
    if (column === "always") sum.constant += bytes / scale;
    else if (column !== undefined) addTerm(sum, column, bytes / scale);
  };
  for (let x = 0; x < born.length; x++) {
    const bytes = graph.bytes[x];
    if (born[x] >= t || born[x] === k || bytes === 0) continue;
    if (born[x] > k) add(kept[t][x] >= 0 ? kept[t][x] : undefined, bytes);
    else if (mayBeThere(draft, t, x)) add(liveFrom(draft, t, x, k), bytes);
  }
  const v = graph.order[k];
  let own = graph.workspace[v];
  for (const x of valuesAt[k]) own += graph.bytes[x];
  add(runs >= 0 ? runs : "always", own);
  for (let r = graph.readStart[v]; r < graph.readStart[v + 1]; r++) {
    if (graph.reusable[r] > 0) addReuse(draft, t, k, r, runs, sum, scale);
  }
  sum.constant += graph.resident / scale;
  addRow(program, sum, budget / scale);
}

const mayBeThere = ({ kept, again, born }: Draft, t: number, x: number): boolean =>
  kept[t][x] >= 0 || again[t][born[x]] >= 0;

/** A buffer that is taken over, where nothing reads its value later. */
function addReuse(draft: Draft, t: number, k: number, r: number, runs: number, sum: Sum, scale: number): void {
  const { graph, program } = draft;
  const later = liveFrom(draft, t, graph.reads[r], k + 1);
  if (later === "always") return;
  const taken = addColumn(program, 0, false);
  const rows: [number, number][] = [];
  if (runs >= 0) rows.push([runs, -1]);
  for (const [column, factor] of rows) {
    const row = emptySum();
    addTerm(row, taken, 1);
    addTerm(row, column, factor);
    addRow(program, row, 0);
  }
  if (later !== undefined) {
    const row = emptySum();
    addTerm(row, taken, 1);
    addTerm(row, later, 1);
    addRow(program, row, 1);
  }
  addTerm(sum, taken, -graph.reusable[r] / scale);
}

/** The sequence of a solution. */
export function sequenceOf(graph: FlatGraph, { again }: Stages, solution: ArrayLike<number>): Int32Array {
  const seq: number[] = [];
  for (let t = 0; t <= graph.size; t++) {
    for (let i = 0; i < Math.min(t, graph.size); i++) {
      if (again[t][i] >= 0 && solution[again[t][i]] > 0.5) seq.push(graph.order[i]);
    }
    if (t < graph.size) seq.push(graph.order[t]);
  }
  return Int32Array.from(seq);
}
