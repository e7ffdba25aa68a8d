/**
 * Lowering: a program in which calls are gone. The bodies of `jit`, `remat2`, `closed_call` and custom rules stand in place of the calls; loops and
 * branches keep theirs, lowered in the same way.
 *
 * What a differentiated `remat2` recomputes must not be merged with its twin in the forward pass, which would keep the values alive that
 * rematerialization is there to let go. So its flagged operands pass through one `optimization_barrier`.
 */
import type { NDArray } from "../core/array.ts";
import { ClosedJaxpr, Jaxpr, Literal, Var, type Atom, type Eqn, type Params } from "../core/jaxpr.ts";
import { Memo } from "../core/memo.ts";
import { optimizationBarrierP } from "../primitives/convert.ts";
import type { RematParams } from "../primitives/remat.ts";

const lowered = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** The flat program of a jaxpr. Constants of inlined bodies become constants of the program. */
export function lowerJaxpr(closed: ClosedJaxpr<NDArray>): ClosedJaxpr<NDArray> {
  return write(new Writer(true), closed);
}

function write(writer: Writer, closed: ClosedJaxpr<NDArray>): ClosedJaxpr<NDArray> {
  const { constvars, invars, outvars, debug } = closed.jaxpr;
  const env = new Map<Var, Atom>();
  for (const v of [...constvars, ...invars]) env.set(v, v);
  constvars.forEach((v, i) => writer.consts.set(v, closed.consts[i]));
  writer.inline(closed.jaxpr, env);
  const outs = outvars.map((x) => (x instanceof Literal ? x : (env.get(x) as Atom)));
  return new ClosedJaxpr(new Jaxpr([...writer.consts.keys()], invars, writer.eqns, outs, debug), [
    ...writer.consts.values(),
  ]);
}

/** What is known of an equation of a rematerialized region. */
export interface Tag {
  /** The number of the region: one for each call that was inlined. */
  readonly region: number;
  /** True if it computes again what the forward pass computed; false if it belongs to the backward pass itself. */
  readonly recomputed: boolean;
}

export interface Flat {
  readonly closed: ClosedJaxpr<NDArray>;
  /** By the variables that the equations define. */
  readonly tags: ReadonlyMap<Var, Tag>;
}

/** The flat program of a jaxpr, in which the bodies of loops and branches are as they were, and what is rematerialized is marked. */
export function flattenJaxpr(closed: ClosedJaxpr<NDArray>): Flat {
  const writer = new Writer(false);
  return { closed: write(writer, closed), tags: writer.tags };
}

class Writer {
  readonly eqns: Eqn[] = [];
  readonly consts = new Map<Var, NDArray>();
  readonly tags = new Map<Var, Tag>();
  /** Whether the bodies of equations that stay are lowered too. */
  readonly #nested: boolean;
  /** Values of the backward pass: what depends on a cotangent. */
  readonly #backward = new Set<Atom>();
  #region: number | null = null;
  #regions = 0;

  constructor(nested: boolean) {
    this.#nested = nested;
  }

  /** Writes the equations of a body down, with its variables renamed by `env`, which it extends. */
  inline(jaxpr: Jaxpr, env: Map<Var, Atom>): void {
    const read = (x: Atom): Atom => (x instanceof Literal ? x : (env.get(x) as Atom));
    for (const eqn of jaxpr.eqns) {
      const body = bodyOf(eqn);
      const args = eqn.invars.map(read);
      if (body !== null) {
        const outs = this.region(eqn, () => this.call(body, this.guarded(eqn, args)));
        eqn.outvars.forEach((v, i) => env.set(v, outs[i]));
        continue;
      }
      const outvars = eqn.outvars.map((v) => new Var(v.aval));
      eqn.outvars.forEach((v, i) => env.set(v, outvars[i]));
      this.push({ ...eqn, invars: args, outvars, params: this.#nested ? lowerParams(eqn.params) : eqn.params });
    }
  }

  private push(eqn: Eqn): void {
    this.eqns.push(eqn);
    if (this.#region === null) return;
    const backward = eqn.invars.some((x) => this.#backward.has(x));
    if (backward) for (const v of eqn.outvars) this.#backward.add(v);
    const tag = { region: this.#region, recomputed: !backward };
    for (const v of eqn.outvars) this.tags.set(v, tag);
  }

  /** Writes down what `inside` writes as one region, if the call rematerializes. */
  private region(eqn: Eqn, inside: () => Atom[]): Atom[] {
    if (eqn.primitive.name !== "remat2" || !(eqn.params as RematParams).differentiated) return inside();
    const outer = this.#region;
    // What lies in a region of a region is recomputed when the outer one is: it may not be put off any further than that.
    this.#region = this.#regions++;
    const outs = inside();
    this.#region = outer;
    return outs;
  }

  private call(body: ClosedJaxpr<NDArray>, args: readonly Atom[]): Atom[] {
    const { jaxpr, consts } = body;
    const env = new Map<Var, Atom>();
    jaxpr.constvars.forEach((v, i) => {
      const own = new Var(v.aval);
      this.consts.set(own, consts[i]);
      env.set(v, own);
    });
    jaxpr.invars.forEach((v, i) => env.set(v, args[i]));
    this.inline(jaxpr, env);
    return jaxpr.outvars.map((x) => (x instanceof Literal ? x : (env.get(x) as Atom)));
  }

  /** The operands behind a barrier, where the call asks for one. */
  private guarded(eqn: Eqn, args: readonly Atom[]): readonly Atom[] {
    if (eqn.primitive.name !== "remat2") return args;
    const { differentiated, prevent_cse, cotangent } = eqn.params as RematParams;
    if (!differentiated) return args;
    const flags = typeof prevent_cse === "boolean" ? args.map(() => prevent_cse) : prevent_cse;
    // A number is known as a cotangent by its own object: `grad` starts with 1.
    const marked = args.map((x, i) => {
      if (cotangent?.[i] !== true) return x;
      const own = x instanceof Literal ? new Literal(x.value, x.aval) : x;
      this.#backward.add(own);
      return own;
    });
    const flagged = marked.filter((_, i) => flags[i]);
    if (flagged.length === 0) return marked;
    const behind = flagged.map((x) => new Var(x.aval));
    flagged.forEach((x, i) => {
      if (this.#backward.has(x)) this.#backward.add(behind[i]);
    });
    this.eqns.push({
      primitive: optimizationBarrierP,
      invars: flagged,
      outvars: behind,
      params: {},
      source: eqn.source,
    });
    let next = 0;
    return marked.map((x, i) => (flags[i] ? behind[next++] : x));
  }
}

/** The body of a call that is inlined, or null. */
function bodyOf(eqn: Eqn): ClosedJaxpr<NDArray> | null {
  const { params } = eqn;
  switch (eqn.primitive.name) {
    case "jit":
      return params.jaxpr as ClosedJaxpr<NDArray>;
    case "closed_call":
      return params.call_jaxpr as ClosedJaxpr<NDArray>;
    case "remat2":
      return new ClosedJaxpr(params.jaxpr as Jaxpr, []);
    case "custom_jvp_call":
    case "custom_vjp_call":
    case "custom_remat":
      return new ClosedJaxpr(params.call_jaxpr as Jaxpr, []);
    case "custom_remat_jvp":
      return new ClosedJaxpr((params.pushed as () => Jaxpr)(), []);
    default:
      return null;
  }
}

/** Lowers the bodies among the parameters of an equation that stays; constants that inlining brings in stay constants of the body. */
function lowerParams(params: Params): Params {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(params)) out[key] = lowerValue(value);
  return out;
}

function lowerValue(value: unknown): unknown {
  if (value instanceof ClosedJaxpr)
    return lowered.get(value as ClosedJaxpr<NDArray>, "", () => lowerJaxpr(value as ClosedJaxpr<NDArray>));
  if (Array.isArray(value) && value.some((x) => x instanceof ClosedJaxpr)) return value.map(lowerValue);
  return value;
}
