/**
 * A checkpointed region as a graph, for policies that choose by simulation: its known equations with the values they make, and its linear equations,
 * which the backward pass visits in reverse. `RegionRun` goes through the forward and the backward pass for a set of saved equations, and tells the
 * peak of memory and the time of what is computed again.
 *
 * The memory model: a value lives from the equation that makes it to its last reader. Saved values live from the forward pass to their last reader in
 * the backward pass; all others are made again right before their first reader there. Cotangents live from the first equation that adds to them.
 * Operands of the region are there anyway and count nothing; results count until the forward pass ends. What is cheaply computed, element by element,
 * from one other value that takes no more bytes is no value of its own: whoever reads it reads the other one, as kernels do that compute it where it is
 * read. Loops and branches count with what their two halves hand on, as if nothing inside were saved.
 */
import { Literal, type Atom, type Eqn, type Jaxpr, type Var } from "../core/jaxpr.ts";
import { nothingSaveable, type SplitProgram } from "../core/policy.ts";
import { calledBody } from "../passes/calledBody.ts";
import { bytesOf, flopsOf } from "../passes/costs.ts";

/** A known equation. */
export interface KnownNode {
  readonly eqn: Eqn;
  /** Values, by position in `Region.values`. */
  readonly reads: readonly number[];
  readonly makes: readonly number[];
  readonly time: number;
  /** A policy is asked about it; of others, `saved` says what becomes of them. */
  readonly choosable: boolean;
  readonly saved: boolean;
}

/** A linear equation: in the backward pass it reads known values and the cotangents of `outs`, and adds to those of `ins`. */
export interface LinearNode {
  readonly eqn: Eqn | null;
  readonly reads: readonly number[];
  readonly ins: readonly number[];
  readonly outs: readonly number[];
}

export interface Region {
  readonly known: readonly KnownNode[];
  readonly linear: readonly LinearNode[];
  readonly values: readonly { readonly bytes: number; readonly maker: number; readonly aval: Var["aval"] }[];
  /** The bytes of linear values. */
  readonly cotangents: readonly number[];
  /** Values that the region gives out. */
  readonly results: ReadonlySet<number>;
  /** The programs that were walked through: about their equations the policy answers. */
  readonly walked: ReadonlySet<Jaxpr>;
}

type Value =
  | { readonly kind: "free" }
  | { readonly kind: "known"; readonly id: number }
  | { readonly kind: "linear"; readonly id: number };

const FREE: Value = { kind: "free" };
const FLOPS_PER_BYTE = 4;

/** The time of an equation, in bytes moved or their equal in operations. */
const timeOf = (eqn: Eqn): number => Math.max(flopsOf(eqn) / FLOPS_PER_BYTE, bytesOf(eqn)) + 1;

/** The graph of a program that is about to be split. */
export function regionOf(program: SplitProgram): Region {
  const walk = new Walk();
  return walk.region(program);
}

class Walk {
  readonly #known: KnownNode[] = [];
  readonly #linear: LinearNode[] = [];
  readonly #values: { bytes: number; maker: number; aval: Var["aval"] }[] = [];
  readonly #cotangents: number[] = [];
  readonly #walked = new Set<Jaxpr>();

  region({ jaxpr, unknownIn, availableIn, availableOut }: SplitProgram): Region {
    const ins = jaxpr.invars.map((v, i): Value => {
      if (unknownIn[i]) return this.#linearValue(v);
      return availableIn[i] ? FREE : this.#value(v, -1);
    });
    const outs = this.#walk(jaxpr, ins);
    const needed = outs.flatMap((x, i) => (availableOut[i] && x.kind === "known" ? [x.id] : []));
    if (needed.length > 0) this.#linear.push({ eqn: null, reads: needed, ins: [], outs: [] });
    return {
      known: this.#known,
      linear: this.#linear,
      values: this.#values,
      cotangents: this.#cotangents,
      results: new Set(outs.flatMap((x) => (x.kind === "known" ? [x.id] : []))),
      walked: this.#walked,
    };
  }

  #value(v: { readonly aval: Var["aval"] }, maker: number): { readonly kind: "known"; readonly id: number } {
    this.#values.push({ bytes: v.aval.nbytes, maker, aval: v.aval });
    return { kind: "known", id: this.#values.length - 1 };
  }

  #linearValue(v: Var): Value {
    this.#cotangents.push(v.aval.nbytes);
    return { kind: "linear", id: this.#cotangents.length - 1 };
  }

  #walk(jaxpr: Jaxpr, ins: readonly Value[]): Value[] {
    this.#walked.add(jaxpr);
    const env = new Map<Atom, Value>(jaxpr.invars.map((v, i): [Atom, Value] => [v, ins[i]]));
    const read = (x: Atom): Value => (x instanceof Literal ? FREE : (env.get(x) ?? FREE));
    for (const eqn of jaxpr.eqns) {
      const args = eqn.invars.map(read);
      const body = eqn.primitive.split === undefined ? null : calledBody(eqn);
      const outs = body === null ? this.#equation(eqn, args) : this.#walk(body, args);
      eqn.outvars.forEach((v, i) => env.set(v, outs[i]));
    }
    return jaxpr.outvars.map(read);
  }

  #equation(eqn: Eqn, args: readonly Value[]): Value[] {
    const reads = ids(args, "known");
    const unknown = args.map((x) => x.kind === "linear");
    const rule = eqn.primitive.split;
    if (rule === undefined) {
      if (unknown.includes(true)) return this.#linearNode(eqn, args, reads, eqn.outvars);
      const source = cheapSource(eqn, args);
      if (source !== null) return [source];
      const saved = eqn.effectful === true;
      return this.#knownNode(eqn, reads, eqn.outvars, !saved, saved);
    }
    const available = args.map(() => true);
    const parts = rule(nothingSaveable, unknown, available, eqn);
    const own = parts.residuals.filter((v) => !eqn.invars.includes(v));
    const knownOuts = eqn.outvars.filter((_, i) => !parts.unknownOut[i]);
    // What the halves hand on is kept whatever the policy says.
    const handed = parts.known === null ? [] : this.#knownNode(eqn, reads, own, false, true);
    const recomputed = parts.availableOut.some((a, i) => a && !parts.unknownOut[i]);
    const outs = parts.known === null ? [] : this.#knownNode(eqn, reads, knownOuts, false, !recomputed);
    const later = unknown.includes(true)
      ? this.#linearNode(
          eqn,
          args,
          [...reads, ...ids(handed, "known")],
          eqn.outvars.filter((_, i) => parts.unknownOut[i]),
        )
      : [];
    let known = 0;
    let linear = 0;
    return parts.unknownOut.map((u) => (u ? later[linear++] : (outs[known++] ?? FREE)));
  }

  #knownNode(eqn: Eqn, reads: readonly number[], outs: readonly Var[], choosable: boolean, saved: boolean): Value[] {
    if (outs.length === 0) return [];
    const made = outs.map((v) => this.#value(v, this.#known.length));
    this.#known.push({ eqn, reads, makes: made.map((x) => x.id), time: timeOf(eqn), choosable, saved });
    return made;
  }

  #linearNode(eqn: Eqn, args: readonly Value[], reads: readonly number[], outs: readonly Var[]): Value[] {
    const made = outs.map((v) => this.#linearValue(v));
    this.#linear.push({ eqn, reads, ins: ids(args, "linear"), outs: ids(made, "linear") });
    return made;
  }
}

/** The value that stands for a cheap function of it, or null. */
function cheapSource(eqn: Eqn, args: readonly Value[]): Value | null {
  const { name, elementwise } = eqn.primitive;
  const [out] = eqn.outvars;
  if (elementwise !== true && !SPREADING.has(name)) return null;
  if (eqn.outvars.length !== 1 || eqn.effectful === true || flopsOf(eqn) > CHEAP * out.aval.size) return null;
  const sources = args.flatMap((x, i) => (x.kind === "known" ? [{ x, bytes: eqn.invars[i].aval.nbytes }] : []));
  if (sources.length === 0) return FREE;
  const [{ x, bytes }] = sources;
  return sources.every((s) => s.x.id === x.id) && bytes <= out.aval.nbytes ? x : null;
}

/** Operations an element, and what repeats values. */
const CHEAP = 4;
const SPREADING: ReadonlySet<string> = new Set(["broadcast_in_dim", "reshape", "squeeze", "expand_dims"]);

const ids = (values: readonly Value[], kind: "known" | "linear"): number[] =>
  values.flatMap((x) => (x.kind === kind ? [x.id] : []));

/** What a choice of saved equations costs. */
export interface RegionCost {
  /** Bytes, in the model above. */
  readonly peak: number;
  /** The bytes that are saved. */
  readonly saved: number;
  /** The time of everything that is computed again. */
  readonly time: number;
  /** Nodes that are computed again. */
  readonly recomputed: readonly number[];
  /** Values that are in memory at the peak. */
  readonly held: () => readonly number[];
}

/** Goes through both passes. `saves(i)`: node i is saved, if the backward pass reads it. */
export function runRegion(region: Region, saves: (node: number) => boolean): RegionCost {
  const { known, linear, values, cotangents, results } = region;
  const isSaved = (v: number): boolean => {
    const { maker } = values[v];
    return maker < 0 || known[maker].saved || (known[maker].choosable && saves(maker));
  };
  // The order of the backward pass: what is made again stands right before its first reader.
  const steps: { readonly node: number; readonly linear: number }[] = [];
  const made = new Uint8Array(known.length);
  const recomputed: number[] = [];
  let time = 0;
  const ensure = (first: readonly number[]): void => {
    const stack: { readonly node: number; at: number }[] = [];
    const push = (v: number): void => {
      if (isSaved(v)) return;
      const node = values[v].maker;
      if (made[node] !== 0) return;
      made[node] = 1;
      stack.push({ node, at: 0 });
    };
    for (const v of first) {
      push(v);
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const { reads } = known[top.node];
        if (top.at < reads.length) push(reads[top.at++]);
        else {
          stack.pop();
          steps.push({ node: top.node, linear: -1 });
          recomputed.push(top.node);
          time += known[top.node].time;
        }
      }
    }
  };
  for (let i = linear.length - 1; i >= 0; i--) {
    ensure(linear[i].reads);
    steps.push({ node: -1, linear: i });
  }
  const forward = known.length;
  const total = forward + steps.length;
  const last = new Int32Array(values.length).fill(-1);
  const lastBack = new Int32Array(values.length).fill(-1);
  known.forEach((node, t) => {
    for (const v of node.reads) last[v] = t;
    for (const v of node.makes) last[v] = Math.max(last[v], results.has(v) ? forward - 1 : t);
  });
  const firstMade = new Int32Array(values.length).fill(-1);
  const started = new Int32Array(cotangents.length).fill(-1);
  const ended = new Int32Array(cotangents.length).fill(-1);
  steps.forEach(({ node, linear: l }, i) => {
    const t = forward + i;
    for (const v of node < 0 ? linear[l].reads : known[node].reads) lastBack[v] = t;
    if (node >= 0) {
      for (const v of known[node].makes) {
        firstMade[v] = t;
        lastBack[v] = Math.max(lastBack[v], t);
      }
      return;
    }
    for (const c of linear[l].ins) if (started[c] < 0) started[c] = t;
    for (const c of linear[l].outs) ended[c] = t;
  });
  // Differences of the bytes in memory between steps.
  const change = new Float64Array(total + 1);
  const live = (from: number, to: number, bytes: number): void => {
    if (to < from) return;
    change[from] += bytes;
    change[to + 1] -= bytes;
  };
  let saved = 0;
  values.forEach(({ bytes, maker }, v) => {
    if (isSaved(v) && lastBack[v] >= 0) {
      saved += bytes;
      live(Math.max(0, maker), lastBack[v], bytes);
      return;
    }
    if (maker >= 0) live(maker, last[v], bytes);
    if (firstMade[v] >= 0) live(firstMade[v], lastBack[v], bytes);
  });
  cotangents.forEach((bytes, c) => {
    if (started[c] >= 0) live(started[c], ended[c] >= started[c] ? ended[c] : total - 1, bytes);
  });
  let peak = 0;
  let peakAt = 0;
  let now = 0;
  for (let t = 0; t < total; t++) {
    now += change[t];
    if (now > peak) [peak, peakAt] = [now, t];
  }
  const held = (): readonly number[] =>
    values.flatMap(({ maker }, v) => {
      const kept = isSaved(v) && lastBack[v] >= 0 && Math.max(0, maker) <= peakAt && peakAt <= lastBack[v];
      const first = maker >= 0 && maker <= peakAt && peakAt <= last[v];
      const again = firstMade[v] >= 0 && firstMade[v] <= peakAt && peakAt <= lastBack[v];
      return kept || first || again ? [v] : [];
    });
  return { peak, saved, time, recomputed, held };
}
