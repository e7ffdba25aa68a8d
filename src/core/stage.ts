/**
 * Staging: runs a function on tracers that know only their types, and writes down every primitive call as an equation. The result is a
 * jaxpr. Nothing is simplified on the way, but for conversions that change nothing and conversions of literals, as in JAX.
 *
 * A trace with `autoDce` records the tangent program of a linearization: it drops equations that no output needs.
 */
import { ConcreteArray, type NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import { Trace, Tracer, withTrace } from "./interpreter.ts";
import { ClosedJaxpr, Jaxpr, Literal, Var, type Atom, type DebugInfo, type Eqn, type Params } from "./jaxpr.ts";
import { Memo } from "./memo.ts";
import type { Primitive } from "./primitive.ts";
import { reporting } from "./reporting.ts";
import { captureSource, withSource, type Source } from "./source.ts";
import { UnexpectedTracerError } from "../errors.ts";

export class StageTracer extends Tracer {
  readonly trace: StageTrace;
  readonly aval: ShapedArray;
  readonly atom: Atom;

  constructor(trace: StageTrace, aval: ShapedArray, atom: Atom) {
    super();
    this.trace = trace;
    this.aval = aval;
    this.atom = atom;
  }

  override origin(): string {
    return reporting().origin(this);
  }
}

export class StageTrace extends Trace {
  readonly invars: Var[] = [];
  readonly debug: DebugInfo | null;
  readonly autoDce: boolean;
  /** Marks tracers of one linearization, so that residuals can be told from them. */
  live = true;
  readonly #eqns: Eqn[] = [];
  readonly #constTracers = new Map<NDArray, StageTracer>();
  readonly #constOf = new Map<Var, NDArray>();

  constructor(debug: DebugInfo | null, autoDce = false) {
    super();
    this.debug = debug;
    this.autoDce = autoDce;
  }

  /** What has been written down so far. */
  get eqns(): readonly Eqn[] {
    return this.#eqns;
  }

  /** A new input. */
  newArg(aval: ShapedArray): StageTracer {
    const v = new Var(aval);
    this.invars.push(v);
    return new StageTracer(this, aval, v);
  }

  /** The tracer of a value in this trace: itself, a literal, or a constant. */
  tracerOf(x: NDArray): StageTracer {
    if (x instanceof StageTracer && x.trace === this) return x;
    return this.#constant(x);
  }

  #constant(c: NDArray): StageTracer {
    const known = this.#constTracers.get(c);
    if (known !== undefined) return known;
    if (c instanceof ConcreteArray && c.literal && c.ndim === 0) {
      return new StageTracer(this, c.aval, new Literal(c, c.aval));
    }
    if (c instanceof Tracer) checkAlive(c);
    const v = new Var(c.aval);
    const tracer = new StageTracer(this, c.aval, v);
    this.#constTracers.set(c, tracer);
    this.#constOf.set(v, c);
    return tracer;
  }

  stageValue(value: NDArray): NDArray {
    return this.tracerOf(value);
  }

  override meet(value: NDArray): void {
    this.tracerOf(value);
  }

  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    if (!this.live) throw leaked(null);
    const tracers = args.map((x) => this.tracerOf(x));
    const folded = this.fold(primitive, tracers, params);
    if (folded !== null) return folded;
    const avals = tracers.map((t) => t.aval);
    const outAvals = primitive.type(avals, params);
    const forwarded = primitive.forward?.(avals, params, outAvals) ?? null;
    if (forwarded !== null && forwarded.every((i) => i !== null)) return forwarded.map((i) => tracers[i]);
    return this.emit(primitive, tracers, params, outAvals);
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.stage(this, call, args);
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    return call.rules.stage(this, call, args);
  }

  /** What a call on literals is without being written down, or null. */
  fold(primitive: Primitive, tracers: readonly StageTracer[], params: Params): StageTracer[] | null {
    if (primitive.fold === undefined) return null;
    const values = tracers.map((t) => (t.atom instanceof Literal ? t.atom.value : null));
    return primitive.fold(values, params)?.map((c) => this.tracerOf(c)) ?? null;
  }

  /** Writes an equation down. */
  emit(
    primitive: Primitive,
    tracers: readonly StageTracer[],
    params: Params,
    outAvals: readonly ShapedArray[],
    source: Source | null = captureSource(),
  ): StageTracer[] {
    const outvars = outAvals.map((aval) => new Var(aval));
    const effectful = primitive.effectful?.(params) === true;
    const eqn: Eqn = { primitive, invars: tracers.map((t) => t.atom), outvars, params, source };
    this.#eqns.push(effectful ? { ...eqn, effectful } : eqn);
    return outvars.map((v) => new StageTracer(this, v.aval, v));
  }

  /** Ends the trace: the program that computes `outs`, and the values of its constvars in the order in which they appeared. */
  finish(outs: readonly NDArray[], debug: DebugInfo | null = this.debug): { jaxpr: Jaxpr; consts: NDArray[] } {
    const outvars = outs.map((x) => this.tracerOf(x).atom);
    const eqns = this.autoDce ? liveEquations(this.#eqns, outvars) : this.#eqns;
    const used = new Set<Atom>(outvars);
    for (const eqn of eqns) for (const x of eqn.invars) used.add(x);
    const constvars: Var[] = [];
    const consts: NDArray[] = [];
    for (const [v, c] of this.#constOf) {
      if (!used.has(v)) continue;
      constvars.push(v);
      consts.push(c);
    }
    const jaxpr = new Jaxpr(constvars, this.invars, eqns, outvars, debug);
    return { jaxpr, consts };
  }

  /** Forgets everything: tracers of this trace are leaked from now on. */
  close(): void {
    this.live = false;
  }
}

function checkAlive(x: Tracer): void {
  const trace: Trace & { live?: boolean } = x.trace;
  if (trace.live === false) throw leaked(x);
}

/** The error for a tracer that is used after its transformation ended. */
export function leaked(x: Tracer | null): UnexpectedTracerError {
  const what = x === null ? "a traced value" : `a traced value of type ${x.aval.toLongString()}`;
  return new UnexpectedTracerError(
    `${what} was used after the transformation that made it had ended: it has leaked, for instance by being assigned to a variable ` +
      "outside of the traced function (global state).\nReturn the value from the function instead." +
      (x === null ? "" : x.origin()),
  );
}

function liveEquations(eqns: readonly Eqn[], outvars: readonly Atom[]): Eqn[] {
  const needed = new Set<Atom>(outvars);
  const live: Eqn[] = [];
  for (let i = eqns.length - 1; i >= 0; i--) {
    const eqn = eqns[i];
    if (eqn.effectful !== true && !eqn.outvars.some((v) => needed.has(v))) continue;
    for (const x of eqn.invars) needed.add(x);
    live.push(eqn);
  }
  return live.reverse();
}

const inputForms = new Memo<Jaxpr, Jaxpr>();

/** Turns the constvars of a jaxpr into its first inputs. The same jaxpr gives the same result. */
export const constsToInputs = (jaxpr: Jaxpr): Jaxpr =>
  inputForms.get(jaxpr, "", () => jaxpr.replace({ constvars: [], invars: [...jaxpr.constvars, ...jaxpr.invars] }));

/** Traces a function of flat values to a jaxpr with the given input types. */
export function stage<T>(
  avals: readonly ShapedArray[],
  fn: (args: readonly NDArray[]) => { outs: readonly NDArray[]; extra: T },
  debug: DebugInfo | null = null,
  /** The equations come from the place that is being replayed, if there is one. */
  inPlace = false,
): { closed: ClosedJaxpr<NDArray>; extra: T } {
  const trace = new StageTrace(debug);
  const args = avals.map((aval) => trace.newArg(aval));
  const run = () => withTrace(trace, () => fn(args));
  try {
    const { outs, extra } = inPlace ? run() : withSource(undefined, run);
    const { jaxpr, consts } = trace.finish(outs);
    return { closed: new ClosedJaxpr(jaxpr, consts), extra };
  } finally {
    trace.close();
  }
}

/** Traces a function of flat values that returns flat values. */
export function stageFlat(
  fn: (args: readonly NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
  debug: DebugInfo | null = null,
): ClosedJaxpr<NDArray> {
  return stage(avals, (args) => ({ outs: fn(args), extra: null }), debug).closed;
}
