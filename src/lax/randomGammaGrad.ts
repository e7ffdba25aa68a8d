/** How a sample of the gamma distribution depends on its parameter. */
import type { NDArray } from "../core/array.ts";
import type { ArrayLike } from "../numpy/asarray.ts";
import { promoteArgsInexact } from "../numpy/promote.ts";
import { sampleDerivative } from "../primitives/randomGamma.ts";

/** The derivative of a sample `x` of the gamma distribution with parameter `a` with respect to `a`, both broadcast. */
export function randomGammaGrad(a: ArrayLike, x: ArrayLike): NDArray {
  const [parameter, sample] = promoteArgsInexact("random_gamma_grad", a, x);
  return sampleDerivative(sample, parameter, false);
}
