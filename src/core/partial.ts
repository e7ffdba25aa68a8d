/**
 * Partial evaluation by data dependence: values that can be computed now are computed in the trace below, and what depends on an unknown is
 * written down for later. Known operands of what is written down become its residuals.
 */
import { ConcreteArray, type NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import { bind, bindWith, Trace, Tracer, withTrace } from "./interpreter.ts";
import { DropVar, Jaxpr, Literal, Var, type Atom, type DebugInfo, type Eqn, type Params } from "./jaxpr.ts";
import type { PartialTrace, Primitive } from "./primitive.ts";
import { captureSource, swapSource, type Source } from "./source.ts";
import { assert } from "../errors.ts";

/**
 * A known value where a written-down equation uses it. Each use is a node of its own. Host scalars become literals, unless `constant`: what a
 * body gives out for a later body is a constant even then.
 */
class Residual {
  readonly value: NDArray;
  readonly constant: boolean;
  constructor(value: NDArray, constant: boolean) {
    this.value = value;
    this.constant = constant;
  }
}

/** A known operand of what is written down that is to be a constant of it, never a literal. */
export const asConstant = (value: NDArray): Residual => new Residual(value, true);

type Node = UnknownTracer | Residual;

interface Recipe {
  readonly id: number;
  readonly primitive: Primitive;
  readonly inputs: readonly Node[];
  readonly outs: UnknownTracer[];
  readonly params: Params;
  readonly source: Source | null;
}

export class UnknownTracer extends Tracer {
  readonly trace: SplitTrace;
  readonly aval: ShapedArray;
  /** The equation that makes it; null for an input. */
  recipe: Recipe | null;
  /** Whether anything reads it, and what stands for it, while the equations are replayed. */
  needed = false;
  replayed: NDArray | null = null;

  constructor(trace: SplitTrace, aval: ShapedArray, recipe: Recipe | null) {
    super();
    this.trace = trace;
    this.aval = aval;
    this.recipe = recipe;
  }
}

export class SplitTrace extends Trace implements PartialTrace {
  readonly parent: Trace;
  readonly inputs: UnknownTracer[] = [];
  live = true;
  readonly #recipes: Recipe[] = [];
  readonly #effects: Recipe[] = [];

  constructor(parent: Trace) {
    super();
    this.parent = parent;
  }

  /** A new unknown input. */
  newArg(aval: ShapedArray): UnknownTracer {
    const tracer = new UnknownTracer(this, aval, null);
    this.inputs.push(tracer);
    return tracer;
  }

  isKnown(x: NDArray): boolean {
    return !(x instanceof UnknownTracer && x.trace === this);
  }

  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    if (primitive.partialEval !== undefined) {
      // Also where everything is known: the rule makes a body of its own for what is known, as JAX's does.
      const rule = primitive.partialEval;
      return withTrace(this.parent, () => rule(this, args, params));
    }
    if (args.every((x) => this.isKnown(x))) return bindWith(this.parent, primitive, args, params);
    const outAvals = primitive.type(
      args.map((x) => x.aval),
      params,
    );
    return this.writeDown(primitive, args, params, outAvals);
  }

  writeDown(
    primitive: Primitive,
    args: readonly (NDArray | Residual)[],
    params: Params,
    outAvals: readonly ShapedArray[],
    source: Source | null = captureSource(),
  ): UnknownTracer[] {
    const inputs = args.map((x) => (x instanceof Residual ? x : this.#node(x)));
    const recipe: Recipe = { id: this.#recipes.length, primitive, inputs, outs: [], params, source };
    this.#recipes.push(recipe);
    for (const aval of outAvals) recipe.outs.push(new UnknownTracer(this, aval, recipe));
    if (primitive.effectful?.(params) === true) this.#effects.push(recipe);
    return recipe.outs;
  }

  stageValue(value: NDArray): NDArray {
    return this.isKnown(value) ? this.parent.stageValue(value) : value;
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    if (args.every((x) => this.isKnown(x))) return this.parent.customJvp(call, args);
    // What depends on an unknown here is linear already: the rule is not needed any more.
    return withTrace(this, () => call.fun(args));
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    if (args.every((x) => this.isKnown(x))) return this.parent.customVjp(call, args);
    return call.rules.split(this, call, args);
  }

  /**
   * Replays what `outs` need in the current trace, with values in place of the inputs. Null if some equation has to be cut down first: then the
   * program of `finish` must be pruned.
   */
  replay(outs: readonly NDArray[]): ((values: readonly NDArray[]) => NDArray[]) | null {
    const results = outs as readonly UnknownTracer[];
    for (const x of results) x.needed = true;
    const needed: Recipe[] = [];
    for (let i = this.#recipes.length - 1; i >= 0; i--) {
      const recipe = this.#recipes[i];
      const used = recipe.outs.filter((t) => t.needed).length;
      if (used === 0) continue;
      if (used < recipe.outs.length && recipe.primitive.dce !== undefined) return null;
      needed.push(recipe);
      for (const x of recipe.inputs) if (x instanceof UnknownTracer) x.needed = true;
    }
    if (this.#effects.length > 0) return null;
    needed.reverse();
    return (values) => {
      this.inputs.forEach((x, i) => (x.replayed = values[i]));
      const saved = swapSource(undefined);
      try {
        for (const { primitive, inputs, outs: made, params, source } of needed) {
          swapSource(source ?? saved);
          const args = inputs.map((x) => (x instanceof Residual ? x.value : (x.replayed as NDArray)));
          const values =
            primitive.rebind === undefined ? bind(primitive, args, params) : primitive.rebind(args, params);
          made.forEach((t, i) => (t.replayed = values[i]));
        }
      } finally {
        swapSource(saved);
      }
      return results.map((x) => x.replayed as NDArray);
    };
  }

  #node(x: NDArray): Node {
    return this.isKnown(x) ? new Residual(x, false) : (x as UnknownTracer);
  }

  /**
   * The program for later: from `inputs` to `outs`. `outs` may be known values, which then are constants of it. Constants are in the order in
   * which a depth-first sort of the data flow meets them, as in JAX.
   */
  finish(outs: readonly NDArray[], debug: DebugInfo | null): { jaxpr: Jaxpr; consts: NDArray[] } {
    const outNodes = outs.map((x) => this.#node(x));
    const effectNodes = this.#effects.flatMap((r) => r.inputs);
    const reachable = sortByDependence([...this.inputs, ...outNodes, ...effectNodes]);
    const vars = new Map<Node, Atom>();
    const constvars = new Map<NDArray, Var>();
    const inputs = new Set<Node>(this.inputs);
    const recipes = new Set<Recipe>(this.#effects);
    for (const node of reachable) {
      if (node instanceof Residual) vars.set(node, constantAtom(node, constvars));
      else if (node.recipe !== null) recipes.add(node.recipe);
      else assert(inputs.has(node), "an unknown value from elsewhere");
    }
    for (const x of this.inputs) vars.set(x, new Var(x.aval));
    const used = new Set<Node>(outNodes);
    const ordered = [...recipes].sort((a, b) => a.id - b.id);
    for (const recipe of ordered) for (const x of recipe.inputs) used.add(x);
    const eqns = ordered.map((recipe): Eqn => {
      const outvars = recipe.outs.map((t) => {
        const v = used.has(t) || recipe.outs.length === 1 ? new Var(t.aval) : new DropVar(t.aval);
        vars.set(t, v);
        return v;
      });
      const invars = recipe.inputs.map((x) => vars.get(x) as Atom);
      return { primitive: recipe.primitive, invars, outvars, params: recipe.params, source: recipe.source };
    });
    const jaxpr = new Jaxpr(
      [...constvars.values()],
      this.inputs.map((x) => vars.get(x) as Var),
      eqns,
      outNodes.map((x) => vars.get(x) as Atom),
      debug,
    );
    return { jaxpr, consts: [...constvars.keys()] };
  }
}

function constantAtom({ value, constant }: Residual, constvars: Map<NDArray, Var>): Atom {
  if (!constant && value instanceof ConcreteArray && value.literal && value.ndim === 0)
    return new Literal(value, value.aval);
  let v = constvars.get(value);
  if (v === undefined) constvars.set(value, (v = new Var(value.aval)));
  return v;
}

const parentsOf = (node: Node): readonly Node[] =>
  node instanceof UnknownTracer && node.recipe !== null ? node.recipe.inputs : [];

/** A topological order, parents first, in the very order in which JAX's sort visits the nodes. */
function sortByDependence(ends: readonly Node[]): Node[] {
  const endNodes = [...new Set(ends)];
  const children = new Map<Node, number>();
  const stack = [...endNodes];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const count = children.get(node);
    children.set(node, (count ?? 0) + 1);
    if (count === undefined) stack.push(...parentsOf(node));
  }
  for (const node of endNodes) children.set(node, (children.get(node) as number) - 1);
  const sorted: Node[] = [];
  const ready = endNodes.filter((node) => children.get(node) === 0);
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    sorted.push(node);
    for (const parent of parentsOf(node)) {
      const count = children.get(parent) as number;
      if (count === 1) ready.push(parent);
      else children.set(parent, count - 1);
    }
  }
  return sorted.reverse();
}
