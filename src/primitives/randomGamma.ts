/**
 * Gamma-distributed numbers: the one distribution that is a primitive of its own, because a sample takes a loop of unknown length for each
 * element (Marsaglia and Tsang: A simple method for generating gamma variables, 2000).
 *
 * The derivative by the shape parameter is implicit: the distribution function stays constant along a path of samples. It differs from
 * JAX's text, which loops over the elements; the numbers agree.
 */
import type { NDArray } from "../core/array.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { jvpByOperand } from "./algebra.ts";
import { div, mul, neg, sub } from "./arithmetic.ts";
import { exp, log } from "./elementwise.ts";
import { batchedInFront } from "./shape.ts";
import { igammaGradA, lgamma } from "./special.ts";

export type RandomGammaParams = { readonly log_space: boolean };

/** d sample / d a, by the implicit function theorem; in log space the derivative of the logarithm. */
export function sampleDerivative(out: NDArray, a: NDArray, logSpace: boolean): NDArray {
  const x = logSpace ? exp(out) : out;
  const byA = igammaGradA(a, x);
  // the density times x
  const scaledDensity = exp(sub(sub(mul(a, log(x)), x), lgamma(a)));
  const relative = neg(div(byA, scaledDensity));
  return logSpace ? relative : mul(relative, x);
}

export const randomGamma: Primitive<RandomGammaParams> = {
  name: "random_gamma",
  type: ([, a]) => [a],
  jvp: jvpByOperand(
    () => randomGamma,
    [null, (t, out, [, a], { log_space: logSpace }) => mul(t, sampleDerivative(out, a, logSpace))],
  ),
  batch(size, [keys, a], [keyDim, aDim], params) {
    const args = [batchedInFront(keys, keyDim, size), batchedInFront(a, aDim, size)];
    return { outs: [bind1(randomGamma, args, params)], dims: [0] };
  },
};

/** Samples with shape parameters `a`, or their logarithms. */
export const gammaSamples = (key: NDArray, a: NDArray, logSpace: boolean): NDArray =>
  bind1(randomGamma, [key, a], { log_space: logSpace } satisfies RandomGammaParams);
