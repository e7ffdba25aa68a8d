/**
 * `whileLoop` that can be reversed: a loop of unknown length which stores its state in a few slots on its way forward (`onlineStores.ts`). The backward
 * pass goes back through the steps by the binomial schedule, from the latest stored state each. All of it is one program; what is alive at a time is
 * the slots and the residuals of one step.
 *
 * The call is a `custom_remat`: forward mode differentiates the plain loop; reverse mode runs the loop with its stores, in a checkpointed region only
 * in the backward pass. So are the two loops of reverse mode, the one with the stores and the one back, which makes them differentiable in turn:
 * - the loop with the stores has the derivative of the plain loop; the states are functions of the operands, and count as no more than that;
 * - the loop back gives J(args)ᵀ ct. Its derivative in `ct` along u is J(args) u: the loop of values and tangents. Its derivative in `args` is that of
 *   ⟨ct, J(args) u⟩, the reverse of that same loop, which is an online loop with as many slots again (Pearlmutter's products, "Fast exact
 *   multiplication by the Hessian", 1994).
 *
 * Known imperfection: reverse mode over forward mode over reverse mode throws, since forward mode makes plain loops of those two.
 */
import type { NDArray } from "../core/array.ts";
import { isInexact } from "../core/dtype.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind } from "../core/interpreter.ts";
import { linearizeFlat } from "../core/linearize.ts";
import type { Policy } from "../core/policy.ts";
import type { JvpResult, Tangent } from "../core/primitive.ts";
import { constsToInputs, stageFlat } from "../core/stage.ts";
import { zeros } from "../core/zeros.ts";
import { merge, partition, split } from "../core/zip.ts";
import { Accumulator, backwardPass } from "../passes/transpose.ts";
import { sub } from "./arithmetic.ts";
import { scatterResults } from "./callRules.ts";
import { gt } from "./comparison.ts";
import { customRemat, type CustomRematParams, type CustomRematRule } from "./customRemat.ts";
import { emptyOnline, partsOf, storing, type Stored } from "./onlineStores.ts";
import { int, whileLoop } from "./stagedLoops.ts";
import { flatStack, popStep, stackOf, stateAt, type Chain } from "./storedStates.ts";
import { pushThroughLoop, whileP, type WhileParams } from "./while.ts";

type Values = readonly NDArray[];

/** A function with rules, called. */
function call(
  name: string,
  f: (xs: Values) => Values,
  args: Values,
  rule: CustomRematRule,
  push?: CustomRematParams["push"],
): Values {
  const { jaxpr, consts } = stageFlat(
    f,
    args.map((x) => x.aval),
    null,
  );
  return bind(customRemat, [...consts, ...args], {
    name,
    fwd: "store_online",
    rem: "store_online",
    bwd: "reverse_online",
    call_jaxpr: constsToInputs(jaxpr),
    rule,
    num_consts: consts.length,
    push,
    same_batch: true,
  });
}

/** Runs `while` on `[condition consts, body consts, carry]`, with so many states kept for a backward pass. */
export function bindOnlineLoop(args: Values, params: WhileParams, slots: number): Values {
  const push = (primals: Values, tangents: readonly Tangent[]): JvpResult =>
    pushOnline(params, slots, primals, tangents);
  return call("while_loop", (xs) => bind(whileP, xs, params), args, loopRule(params, slots, false), push);
}

/** Values and tangents by one loop, which can be reversed as this one. */
const pushOnline = (params: WhileParams, slots: number, primals: Values, tangents: readonly Tangent[]): JvpResult =>
  pushThroughLoop(primals, tangents, params, (xs, pushed) => bindOnlineLoop(xs, pushed, slots));

/** The loop with its stores. */
function bindStoring(params: WhileParams, slots: number, args: Values): Stored {
  const { outs, kept } = partsOfStored(
    params,
    call(
      "store_online",
      (xs) => {
        const stored = storing(params, slots, xs);
        return [...stored.outs, ...stored.kept];
      },
      args,
      loopRule(params, slots, true),
    ),
  );
  return { outs, kept };
}

function partsOfStored({ body_jaxpr }: WhileParams, values: Values): Stored {
  const [outs, kept] = split(values, body_jaxpr.outAvals.length);
  return { outs, kept };
}

const keepsEverything = (policy: Policy): boolean => policy.json?.policy === "everythingSaveable";

/** The rules of the loop, and of the loop with its stores, which gives these too. */
function loopRule(params: WhileParams, slots: number, givesStored: boolean): CustomRematRule {
  const outsOf = ({ outs, kept }: Stored): Values => (givesStored ? [...outs, ...kept] : outs);
  const again = (args: Values): Values =>
    givesStored ? outsOf(bindStoring(params, slots, args)) : bindOnlineLoop(args, params, slots);
  return (policy, args, perturbed) => {
    const rem = (kept: Values, xs: Values) => {
      const found = kept.length > 0 ? null : bindStoring(params, slots, xs);
      const stored = found?.kept ?? kept;
      return {
        outs: found === null ? again(xs) : outsOf(found),
        residuals: [...stored, ...xs],
        bwd: (residuals: Values, cts: readonly Tangent[]) => {
          const [states, operands] = split(residuals, stored.length);
          return bindReversing(
            { params, slots, perturbed },
            states,
            operands,
            cts.slice(0, params.body_jaxpr.outAvals.length),
          );
        },
      };
    };
    if (!keepsEverything(policy)) return { outs: again(args), kept: [], rem };
    const stored = bindStoring(params, slots, args);
    return { outs: outsOf(stored), kept: stored.kept, rem };
  };
}

/** A loop, and which of its operands a cotangent is asked for. */
interface Reversal {
  readonly params: WhileParams;
  readonly slots: number;
  readonly perturbed: readonly boolean[];
}

/** Which operands have a cotangent: what the body reads and is asked for, and all of the carry that can have one. */
const linearOf = ({ params, perturbed }: Reversal, args: Values): readonly boolean[] =>
  args.map(
    (x, i) =>
      i >= params.cond_nconsts &&
      isInexact(x.dtype) &&
      (perturbed[i] || i >= params.cond_nconsts + params.body_nconsts),
  );

/** The loop backwards, from its stored states: cotangents of all operands that can have one, null for the others. */
function bindReversing(reversal: Reversal, stored: Values, args: Values, cts: readonly Tangent[]): readonly Tangent[] {
  const given = cts.map((ct) => ct !== null);
  const linear = linearOf(reversal, args);
  const run = (xs: Values): Values => {
    const [states, operands, own] = split(xs, stored.length, args.length);
    return reversing(reversal, states, operands, scatterResults(given, own)).filter((ct) => ct !== null);
  };
  const again = (xs: Values): Values => {
    const [states, operands, own] = split(xs, stored.length, args.length);
    return bindReversing(reversal, states, operands, scatterResults(given, own)).filter((ct) => ct !== null);
  };
  const rule: CustomRematRule = (_policy, xs, asked) => ({
    outs: again(xs),
    kept: [],
    rem: (_kept, ys) => ({
      outs: again(ys),
      residuals: ys.slice(stored.length),
      bwd(residuals, us) {
        const [operands, own] = split(residuals, args.length);
        const along = scatterResults(linear, us);
        const moves = asked.slice(stored.length, stored.length + args.length);
        const second = secondOrder(reversal, operands, along, scatterResults(given, own), moves);
        return [...stored.map(() => null), ...second.args, ...second.cts.filter((_, i) => given[i])];
      },
    }),
  });
  const outs = call("reverse_online", run, [...stored, ...args, ...cts.filter((ct) => ct !== null)], rule);
  return scatterResults(linear, outs);
}

/** The derivative of the loop back: what `along` gives to the operands, and to the cotangents that it was given. */
function secondOrder(
  { params, slots }: Reversal,
  args: Values,
  along: readonly Tangent[],
  cts: readonly Tangent[],
  asked: readonly boolean[],
): { readonly args: readonly Tangent[]; readonly cts: readonly Tangent[] } {
  const moves = args.map((x, i) => asked[i] && i >= params.cond_nconsts && isInexact(x.dtype));
  const [fixed, moving] = partition(moves, args);
  let pushed: readonly boolean[] = [];
  const program = linearizeFlat(
    (xs) => {
      const { tangents } = pushOnline(params, slots, merge(moves, fixed, xs), along);
      pushed = tangents.map((t, i) => t !== null && cts[i] !== null);
      return tangents.filter((t, i): t is NDArray => t !== null && pushed[i]);
    },
    moving,
    true,
    null,
  );
  const sinks = moving.map((x) => new Accumulator(x.aval.toTangent()));
  const given = cts.filter((_, i) => pushed[i]).filter((_, i) => program.nonzero[i]);
  backwardPass(program.jaxpr, program.residuals, sinks, given);
  return {
    args: scatterResults(
      moves,
      sinks.map((sink) => sink.value),
    ),
    cts: scatterResults(pushed, program.outs),
  };
}

/** The loop back as it is. */
function reversing(
  reversal: Reversal,
  [steps, ...stackValues]: Values,
  args: Values,
  cts: readonly Tangent[],
): readonly Tangent[] {
  const { params, slots } = reversal;
  const { body_jaxpr } = params;
  const { condConsts, bodyConsts, carry } = partsOf(params, args);
  const states = carry.map((x) => x.aval);
  const like = emptyOnline(states, slots);
  const run = (xs: Values): Values => evalJaxpr(body_jaxpr.jaxpr, body_jaxpr.consts, xs);
  // Tangents come in by constants and by the start; all of the carry may have one.
  const linear = linearOf(reversal, args).slice(condConsts.length);
  const [constLinear, carryLinear] = split(linear, bodyConsts.length);
  const start = bodyConsts.flatMap((x, i) => (constLinear[i] ? [zeros(x.aval.toTangent())] : []));
  const ends = carry.flatMap((x, i) => (carryLinear[i] ? [cts[i] ?? zeros(x.aval.toTangent())] : []));
  const chain: Chain = {
    slots,
    numStates: carry.length,
    advance: (consts, _step, state) => run([...consts, ...state]),
  };
  const outs = whileLoop(
    [...bodyConsts, ...carry],
    [steps, ...stackValues, ...start, ...ends],
    (_consts, [left]) => gt(left, int(0)),
    (outer, [left, ...rest]) => {
      const [consts, first] = split(outer, bodyConsts.length);
      const [stackNow, ctConsts, ctCarry] = split(rest, stackValues.length, start.length);
      const step = sub(left, int(1));
      const { state, stack } = stateAt(chain, consts, first, step, stackOf(stackNow, like));
      const [fixed, moving] = partition(linear, [...consts, ...state]);
      const program = linearizeFlat((xs) => run(merge(linear, fixed, xs)), moving, true, null);
      const sinks = moving.map((x, i) => new Accumulator(x.aval.toTangent(), ctConsts[i] ?? null));
      const given = scatterResults(carryLinear, ctCarry).filter((_, i) => program.nonzero[i]);
      backwardPass(program.jaxpr, program.residuals, sinks, given);
      const made = sinks.map((sink) => sink.value ?? zeros(sink.aval));
      return [step, ...flatStack(popStep(stack, step)), ...made];
    },
  );
  const [ctConsts, ctCarry] = split(outs.slice(1 + stackValues.length), start.length);
  return [
    ...condConsts.map(() => null),
    ...scatterResults(constLinear, ctConsts),
    ...scatterResults(carryLinear, ctCarry),
  ];
}
