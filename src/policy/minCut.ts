/**
 * The policy that saves the fewest bytes by which everything dear is computed once: a minimum cut between what is dear and what the backward pass
 * reads. No names and no lists of operations are needed. He and Yu, functorch's min-cut recomputation partitioner (2022), do the same for PyTorch.
 *
 * Each known value is an edge with its bytes as capacity. The source stands before the outputs of dear equations, those with more flops for each
 * byte of output than a limit: on the way from there to the backward pass some value must be saved. The sink stands behind what the linear equations
 * read. Where several cuts are equally small, the one nearest to the backward pass is taken, which recomputes least.
 *
 * It bounds what crosses from the forward to the backward pass, not the peak within the backward pass. Bodies of loops and branches are cut for
 * themselves. One body that is called several times is asked once: what one of the calls must save, all save.
 */
import { Literal, type Atom, type Eqn, type Jaxpr, type Var } from "../core/jaxpr.ts";
import { nothingSaveable, type Policy, type SplitProgram } from "../core/policy.ts";
import { calledBody } from "../passes/calledBody.ts";
import { FlowNetwork } from "../passes/maxFlow.ts";
import { costOf } from "../passes/costs.ts";
import { RematValueError, describe } from "../errors.ts";
import { policy } from "./rule.ts";

export interface MinCutOptions {
  /** An equation with more flops than this for each byte of its outputs is not computed again. 8 by default: products with sums over 16 or more. */
  readonly flopsPerByte?: number;
}

const DEFAULT_LIMIT = 8;

/**
 * Saves the fewest bytes by which no dear equation runs twice.
 *
 * @example
 * const block = checkpoint((w: NDArray, x: NDArray) => np.tanh(np.dot(x, w)), { policy: checkpointPolicies.minCut() });
 */
export function minCut(options: MinCutOptions = {}): Policy {
  const limit: unknown = options.flopsPerByte ?? DEFAULT_LIMIT;
  if (typeof limit !== "number" || !(limit >= 0)) {
    throw new RematValueError(
      `minCut takes { flopsPerByte }, a number that isn't negative; got ${describe(limit)}. Leave it out for ${String(DEFAULT_LIMIT)}.`,
    );
  }
  const printed = limit === DEFAULT_LIMIT ? "minCut()" : `minCut(flopsPerByte=${String(limit)})`;
  // Without the program, all that can be said is what is dear.
  const alone = (eqn: Eqn): boolean => isDear(eqn, limit);
  return policy(
    printed,
    (primitive, avals, params) => {
      const outs = primitive.type(avals, params);
      return alone({
        primitive,
        params,
        invars: avals.map((aval) => ({ aval })),
        outvars: outs.map((aval) => ({ aval })),
        source: null,
      });
    },
    { policy: "minCut", ...(options.flopsPerByte === undefined ? {} : { flopsPerByte: limit }) },
    { prepare: (program) => cutPolicy(printed, program, limit) },
  );
}

/** The policy for one program: it saves what the cut says. */
function cutPolicy(printed: string, program: SplitProgram, limit: number): Policy {
  const { saved, planned } = new Cut(limit).run(program);
  const self: Policy = policy(printed, () => false, null, {
    answer: (eqn) => saved.has(eqn),
    prepare: (inner) => (planned.has(inner.jaxpr) ? self : cutPolicy(printed, inner, limit)),
  });
  return self;
}

function isDear(eqn: Eqn, limit: number): boolean {
  if (eqn.effectful === true) return true;
  const bytes = eqn.outvars.reduce((sum, v) => sum + v.aval.nbytes, 0);
  return bytes > 0 && costOf(eqn).flops > limit * bytes;
}

/** A value in the network: known with a place in it, or unknown. */
type Value = { readonly before: number; readonly after: number } | "unknown" | "free";

class Cut {
  readonly #net = new FlowNetwork();
  readonly #source = this.#net.node();
  readonly #sink = this.#net.node();
  readonly #limit: number;
  readonly #edges: { readonly eqn: Eqn; readonly before: number; readonly after: number }[] = [];
  readonly #planned = new Set<Jaxpr>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  run({ jaxpr, unknownIn, availableIn, availableOut }: SplitProgram): {
    readonly saved: ReadonlySet<Eqn>;
    readonly planned: ReadonlySet<Jaxpr>;
  } {
    const ins = jaxpr.invars.map((v, i): Value => {
      if (unknownIn[i]) return "unknown";
      if (availableIn[i]) return "free";
      // It can only be saved: by whom, isn't asked here.
      const value = this.#value(v);
      this.#net.edge(this.#source, value.before, Infinity);
      return value;
    });
    const outs = this.#walk(jaxpr, ins);
    outs.forEach((x, i) => {
      if (availableOut[i]) this.#need(x);
    });
    this.#net.maximize(this.#source, this.#sink);
    const sinkSide = this.#net.sinkSide(this.#sink);
    const cut = this.#edges.filter(({ before, after }) => !sinkSide[before] && sinkSide[after]);
    return { saved: new Set(cut.map((e) => e.eqn)), planned: this.#planned };
  }

  #value(v: Var): { before: number; after: number } {
    const before = this.#net.node();
    const after = this.#net.node();
    this.#net.edge(before, after, v.aval.nbytes);
    return { before, after };
  }

  #need(x: Value): void {
    if (typeof x === "object") this.#net.edge(x.after, this.#sink, Infinity);
  }

  /** Puts the equations of a program, and of the calls in it, into the network. Gives the outputs. */
  #walk(jaxpr: Jaxpr, ins: readonly Value[]): Value[] {
    this.#planned.add(jaxpr);
    const env = new Map<Atom, Value>(jaxpr.invars.map((v, i): [Atom, Value] => [v, ins[i]]));
    const read = (x: Atom): Value => (x instanceof Literal ? "free" : (env.get(x) ?? "free"));
    for (const eqn of jaxpr.eqns) {
      const args = eqn.invars.map(read);
      const body = eqn.primitive.split === undefined ? null : calledBody(eqn);
      const outs = body === null ? this.#equation(eqn, args) : this.#walk(body, args);
      eqn.outvars.forEach((v, i) => env.set(v, outs[i]));
    }
    return jaxpr.outvars.map(read);
  }

  #equation(eqn: Eqn, args: readonly Value[]): Value[] {
    const unknown = args.map((x) => x === "unknown");
    const rule = eqn.primitive.split;
    if (rule === undefined ? unknown.includes(true) : true) {
      // Loops and branches are split inside: the later half reads whatever it may need.
      args.forEach((x) => this.#need(x));
      if (rule === undefined) return eqn.outvars.map(() => "unknown");
      const available = args.map(() => true);
      const { unknownOut } = rule(nothingSaveable, unknown, available, eqn);
      return unknownOut.map((u) => (u ? "unknown" : "free"));
    }
    const dear = isDear(eqn, this.#limit);
    return eqn.outvars.map((v) => {
      const value = this.#value(v);
      this.#edges.push({ eqn, ...value });
      if (dear) this.#net.edge(this.#source, value.before, Infinity);
      for (const x of args) if (typeof x === "object") this.#net.edge(x.after, value.before, Infinity);
      return value;
    });
  }
}
