/** A call of a function with rules for remat, on a batch: the function, its rules and its forward rule, each run on all examples at once. */
import type { NDArray } from "../core/array.ts";
import { matchAxis } from "../core/axes.ts";
import { batchBackward, batchFlat, type MappedAxis } from "../core/batch.ts";
import type { BatchBody } from "../core/primitive.ts";
import { constsToInputs } from "../core/stage.ts";
import { close } from "../passes/rewrite.ts";
import { scatterResults } from "./callRules.ts";
import type { CustomRematParams, CustomRematRule } from "./customRemat.ts";

type Values = readonly NDArray[];

/** The parameters of the call on a batch. Outputs are batched in front; all of them, if the rules may make something else of them. */
export function batchParams(
  mapped: MappedAxis,
  dims: readonly (number | null)[],
  params: CustomRematParams,
  batchBody: BatchBody,
): { readonly consts: Values; readonly batched: CustomRematParams; readonly outDims: readonly (number | null)[] } {
  const all = params.call_jaxpr.outvars.map(() => params.same_batch !== true);
  const { closed, dims: outDims } = batchBody(close(params.call_jaxpr), mapped.size, dims, all);
  const own = dims.slice(params.num_consts);
  return {
    consts: closed.consts,
    outDims,
    batched: {
      ...params,
      call_jaxpr: constsToInputs(closed.jaxpr),
      num_consts: params.num_consts + closed.consts.length,
      rule: batchRule(mapped, own, outDims, params.rule),
      push: params.push && batchPush(mapped, own, outDims, params.push),
    },
  };
}

/** The forward rule on a batch: a tangent is batched where its operand is, or gets batched where it must be. */
function batchPush(
  { size, axisName }: MappedAxis,
  dims: readonly (number | null)[],
  outDims: readonly (number | null)[],
  push: NonNullable<CustomRematParams["push"]>,
): NonNullable<CustomRematParams["push"]> {
  return (primals, tangents) => {
    const nonzero = tangents.map((t) => t !== null);
    let given: readonly boolean[] = [];
    const { outs, dims: found } = batchFlat(
      (xs) => {
        const result = push(xs.slice(0, primals.length), scatterResults(nonzero, xs.slice(primals.length)));
        given = result.tangents.map((t) => t !== null);
        return [...result.primals, ...result.tangents.filter((t) => t !== null)];
      },
      size,
      [...primals, ...tangents.filter((t) => t !== null)],
      [...dims, ...dims.filter((_, i) => nonzero[i])],
      axisName,
    );
    const own = [...outDims, ...outDims.filter((_, i) => given[i])];
    const placed = outs.map((x, i) => matchAxis(size, found[i], own[i], x));
    return { primals: placed.slice(0, outDims.length), tangents: scatterResults(given, placed.slice(outDims.length)) };
  };
}

function batchRule(
  mapped: MappedAxis,
  dims: readonly (number | null)[],
  outDims: readonly (number | null)[],
  rule: CustomRematRule,
): CustomRematRule {
  const { size, axisName } = mapped;
  /** Runs what gives outputs and other values on the batch. */
  const run = <T extends { readonly outs: Values }>(
    fn: (xs: Values) => T,
    others: (result: T) => Values,
    args: Values,
    argDims: readonly (number | null)[],
  ) => {
    let inner: T | null = null;
    const { outs, dims: found } = batchFlat(
      (xs) => {
        inner = fn(xs);
        return [...inner.outs, ...others(inner)];
      },
      size,
      args,
      argDims,
      axisName,
    );
    const result = inner as unknown as T;
    const n = result.outs.length;
    return {
      result,
      outs: outs.slice(0, n).map((x, i) => matchAxis(size, found[i], outDims[i], x)),
      others: outs.slice(n),
      otherDims: found.slice(n),
    };
  };
  return (policy, args, perturbed) => {
    const forward = run(
      (xs) => rule(policy, xs, perturbed),
      (r) => r.kept,
      args,
      dims,
    );
    return {
      outs: forward.outs,
      kept: forward.others,
      rem(kept, xs) {
        const n = kept.length;
        const again = run(
          (ys) => forward.result.rem(ys.slice(0, n), ys.slice(n)),
          (r) => r.residuals,
          [...kept, ...xs],
          [...forward.otherDims, ...dims],
        );
        return {
          outs: again.outs,
          residuals: again.others,
          bwd: (residuals, cts) => batchBackward(again.result, mapped, residuals, again.otherDims, cts, outDims, dims),
        };
      },
    };
  };
}
