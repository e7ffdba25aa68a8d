/**
 * From a set of saved values to a sequence. The forward pass runs in its order; everything that is not saved is dropped, and the backward pass
 * computes what it misses right before its first use, once.
 */
import { PlanGraphError } from "../errors.ts";
import type { FlatGraph } from "./graph.ts";

/** The forward nodes in the order in which they run. */
export function forwardNodes(graph: FlatGraph): readonly number[] {
  if (!graph.backward.includes(1)) {
    throw new PlanGraphError(
      "a plan by saved values was asked for, and no node of the graph is marked `backward`: it has to be known where the forward pass " +
        "ends. Mark the nodes, or use planGraph, which needs no marks.",
    );
  }
  return [...graph.order].filter((v) => graph.backward[v] === 0);
}

/** The nodes that node `v` reads. */
export function inputsOf(graph: FlatGraph, v: number): readonly number[] {
  const inputs: number[] = [];
  for (let r = graph.readStart[v]; r < graph.readStart[v + 1]; r++) inputs.push(graph.valueNode[graph.reads[r]]);
  return inputs;
}

/** The forward nodes that the backward pass reads: 1 where it does. */
export function readByBackward(graph: FlatGraph): Uint8Array {
  const read = new Uint8Array(graph.size);
  for (let w = 0; w < graph.size; w++) {
    if (graph.backward[w] === 1) for (const v of inputsOf(graph, w)) if (graph.backward[v] === 0) read[v] = 1;
  }
  return read;
}

/**
 * The sequence that saves these forward nodes (and those that can't run again) and recomputes the others when the backward pass first needs
 * them; `alongside` names nodes that are recomputed together with one that is needed, as the rest of its segment.
 */
export function sequenceOfSaved(
  graph: FlatGraph,
  isSaved: (v: number) => boolean,
  alongside: (v: number) => readonly number[] = () => [],
): Int32Array {
  const held = new Uint8Array(graph.size);
  const sequence: number[] = [];
  for (const v of graph.order) {
    if (graph.backward[v] === 0) {
      sequence.push(v);
      if (graph.repeatable[v] === 0 || isSaved(v)) held[v] = 1;
    }
  }
  const fetch = (v: number): void => {
    if (held[v] === 1) return;
    held[v] = 1;
    for (const u of inputsOf(graph, v)) fetch(u);
    sequence.push(v);
  };
  for (const w of graph.order) {
    if (graph.backward[w] === 0) continue;
    for (const v of inputsOf(graph, w)) {
      if (held[v] === 1) continue;
      for (const u of alongside(v)) fetch(u);
      fetch(v);
    }
    held[w] = 1;
    sequence.push(w);
  }
  return Int32Array.from(sequence);
}
