/** Transformations that bound updates: each element, each array, or all together. */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import * as lax from "../lax/elementwise.ts";
import * as np from "../numpy/index.ts";
import { less, maximum, multiply as mul, negative, sqrt, sum, trueDivide as div, where } from "../numpy/index.ts";
import {
  mapTree,
  requireParams,
  stateless,
  statelessWithTreeMap,
  type EmptyState,
  type GradientTransformation,
  type Scalar,
} from "./base.ts";
import { absSq, globalNorm } from "./moments.ts";

/** Each element between `-maxDelta` and `maxDelta`. */
export const clip = (maxDelta: Scalar): GradientTransformation<EmptyState> =>
  statelessWithTreeMap((g) => np.clip(g, typeof maxDelta === "number" ? -maxDelta : negative(maxDelta), maxDelta));

/** Each array with a root mean square of at most `threshold`. */
export const clipByBlockRms = (threshold: Scalar): GradientTransformation<EmptyState> =>
  statelessWithTreeMap((g) => div(g, maximum(1, div(sqrt(np.mean(absSq(g))), threshold))));

/** All updates times one number such that their norm is at most `maxNorm` (Pascanu et al. 2012). */
export const clipByGlobalNorm = (maxNorm: Scalar): GradientTransformation<EmptyState> =>
  stateless((updates) => {
    const norm = globalNorm(updates);
    const isSmall = np.squeeze(less(norm, maxNorm));
    return mapTree((g) => lax.select(isSmall, g, mul(div(g, np.astype(norm, g.dtype)), maxNorm)), updates);
  });

/** The norm of what belongs to each output unit of a layer, in the shape of the array. */
function unitwiseNorm(x: NDArray, axis: number | readonly number[] | null): NDArray {
  const axes = axis ?? unitAxes(x);
  return np.broadcastTo(sqrt(sum(absSq(x), { axis: axes, keepdims: true })), x.shape);
}

function unitAxes(x: NDArray): readonly number[] | null {
  if (x.shape.filter((d) => d !== 1).length <= 1) return null;
  if (x.ndim === 2 || x.ndim === 3) return [0];
  if (x.ndim === 4 || x.ndim === 5) return x.ndim === 4 ? [0, 1, 2] : [0, 1, 2, 3];
  throw new RematValueError(
    `adaptiveGradClip was given a parameter of shape [${x.shape.join(", ")}]: Expected parameter with shape in {1, 2, 3, 4, 5} dimensions. ` +
      "Use the axis option to say which axes belong together.",
  );
}

/** Each unit's gradient with a norm of at most `clipping` times that of its weights (Brock et al. 2021). */
export function adaptiveGradClip(
  clipping: Scalar,
  options: { readonly eps?: Scalar; readonly axis?: number | readonly number[] | null } = {},
): GradientTransformation<EmptyState> {
  const { eps = 1e-3, axis = null } = options;
  return stateless((updates, params) =>
    mapTree(
      (g, p) => {
        const norm = unitwiseNorm(g, axis);
        const largest = mul(clipping, maximum(unitwiseNorm(p, axis), eps));
        const clipped = mul(g, div(largest, maximum(norm, 1e-6)));
        return where(less(norm, largest), g, clipped);
      },
      updates,
      requireParams(params, "adaptiveGradClip"),
    ),
  );
}
