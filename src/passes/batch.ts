/** Vectorization of a program over one axis of each batched input. */
import type { NDArray } from "../core/array.ts";
import { batchedAval, batchFlat, type BatchDim } from "../core/batch.ts";
import { matchAxis } from "../core/axes.ts";
import { asFunction } from "../core/evalJaxpr.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { Memo } from "../core/memo.ts";
import { stage } from "../core/stage.ts";

export interface Batched {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly dims: readonly BatchDim[];
}

const cache = new Memo<ClosedJaxpr<NDArray>, Batched>();

/**
 * `dims[i]` is the batch axis of input i. Batched outputs keep the axis they come out with, or are brought to the front (to `axis`): all of
 * them with `front` true, only the batched ones and those in `force` with a list.
 */
export function batchJaxpr(
  jaxpr: ClosedJaxpr<NDArray>,
  size: number,
  dims: readonly BatchDim[],
  front: "asIs" | readonly boolean[],
  axis = 0,
): Batched {
  const key = `${size}/${dims.join()}/${front === "asIs" ? front : front.join()}/${axis}`;
  return cache.get(jaxpr, key, () => {
    const avals = jaxpr.inAvals.map((aval, i) => batchedAval(aval, size, dims[i]));
    const { closed, extra } = stage(
      avals,
      (args) => {
        const result = batchFlat(asFunction(jaxpr), size, args, dims);
        if (front === "asIs") return { outs: result.outs, extra: result.dims };
        const to = result.dims.map((d, i): BatchDim => (d !== null || front[i] ? axis : null));
        return { outs: result.outs.map((x, i) => matchAxis(size, result.dims[i], to[i], x)), extra: to };
      },
      jaxpr.jaxpr.debug,
    );
    return { closed, dims: extra };
  });
}
