/**
 * Plans to start from besides the one that computes nothing twice. A split drops one value at a time; where two values follow from a third one (a
 * sine and a cosine of the same product), dropping either of them keeps the third alive and gains nothing, though dropping both halves what
 * is held. The smallest cut sees that: it saves the product. So the plans that save a smallest cut, when what takes long must not run again, are starts
 * too, at which the search undoes what the budget doesn't ask for.
 */
import { cutNodes } from "./cut.ts";
import type { FlatGraph } from "./graph.ts";
import { sequenceOfSaved } from "./saved.ts";
import { emptyTrace, retrace, type Trace } from "./trace.ts";

/** What takes longer than this many times the mean must not run again. */
const limits = [0.2, 1, 3];

/** The sequences of a graph's smallest cuts. `base` is the trace of its order; where no node is marked as backward, its peak ends the forward pass. */
export function cutStarts(graph: FlatGraph, base: Trace): readonly Int32Array[] {
  const backward = graph.backward.includes(1) ? graph.backward : new Uint8Array(graph.size);
  if (backward !== graph.backward) for (let p = base.peakAt; p < base.length; p++) backward[base.seq[p]] = 1;
  const marked = { ...graph, backward };
  const mean = base.time / Math.max(1, graph.size);
  const trace = emptyTrace(graph);
  const found = new Map<string, Int32Array>();
  for (const limit of limits) {
    const saved = cutNodes(marked, (v) => graph.cost[v] <= limit * mean, "last");
    const seq = sequenceOfSaved(marked, (v) => saved[v] === 1);
    if (seq.length <= base.length) continue;
    // Where the marks are not those of a forward and a backward pass, the sequence may read what isn't there.
    retrace(graph, trace, seq);
    if (trace.peak < Infinity) found.set(seq.join(), seq);
  }
  return [...found.values()];
}
