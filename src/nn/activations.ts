/**
 * Activation functions. Those that JAX jits are one `jit` equation with their name; `relu` and `relu6` have derivative rules of their
 * own, under which the derivative at the kink is 0.
 */
import type { NDArray } from "../core/array.ts";
import { literal } from "../core/scalar.ts";
import { fullLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, select } from "../primitives/comparison.ts";
import { customJvpCall } from "../primitives/customJvp.ts";
import { logistic } from "../primitives/elementwise.ts";
import { erfc } from "../primitives/special.ts";
import { array, float, toArray, type ArrayLike } from "../numpy/asarray.ts";
import { split } from "../numpy/joining.ts";
import { jitted } from "../numpy/jitted.ts";
import { greater, greaterEqual, less, lessEqual } from "../numpy/logic.ts";
import { clip, logaddexp } from "../numpy/piecewise.ts";
import { promoteArgsInexact, settled } from "../numpy/promote.ts";
import * as u from "../numpy/ufuncs.ts";
import { where } from "../numpy/where.ts";

const { add, multiply: mul, trueDivide: div } = u;

export const identity = (x: ArrayLike): NDArray => jitted("identity", "", (x) => x, [x]);

/** A jitted function with a derivative rule: the tangent for a tangent `t` at `x`. */
const withRule =
  (name: string, fn: (x: NDArray) => NDArray, derivative: (t: NDArray, y: NDArray, x: NDArray) => NDArray) =>
  (x: ArrayLike): NDArray => {
    const self = (x: NDArray): NDArray =>
      customJvpCall(
        name,
        (x) => [jitted(name, "", fn, [x])],
        ([x], [t]) => {
          const y = self(x);
          return [[y], [derivative(t!, y, x)]];
        },
        [x],
      )[0];
    return self(toArray(x, name));
  };

/** max(x, 0), with derivative 0 at 0. */
export const relu: (x: ArrayLike) => NDArray = withRule(
  "relu",
  (x) => u.maximum(x, 0),
  (t, _y, x) => select(greater(x, 0), t, fullLike(t, 0)),
);

/** min(max(x, 0), 6) */
export const relu6: (x: ArrayLike) => NDArray = withRule(
  "relu6",
  (x) => u.minimum(u.maximum(x, 0), float(6)),
  (t, _y, x) => select(bitwiseAnd(greater(x, 0), less(x, 6)), t, fullLike(t, 0)),
);

/** log(1 - exp(-x)) for x > 0. */
export const log1mexp: (x: ArrayLike) => NDArray = withRule(
  "log1mexp",
  (x) => {
    const limit = u.log(float(2));
    const near = less(x, limit);
    return where(near, u.log(u.negative(u.expm1(u.negative(x)))), u.log1p(u.negative(u.exp(u.negative(x)))));
  },
  (t, _y, x) => div(t, u.expm1(x)),
);

/** A jitted function of one array. */
const named =
  (name: string, fn: (x: NDArray) => NDArray) =>
  (x: ArrayLike): NDArray =>
    jitted(name, "", fn, [x]);

/** A jitted function with a parameter, which is an operand only if it is given. */
const withParameter =
  (name: string, fn: (x: NDArray, parameter: ArrayLike) => NDArray, standard: () => ArrayLike) =>
  (x: ArrayLike, parameter?: ArrayLike): NDArray =>
    parameter === undefined
      ? jitted(name, "default", (x) => fn(x, standard()), [x])
      : jitted(name, "given", (x, parameter) => fn(x, parameter), [x, parameter]);

type Activation = (x: ArrayLike) => NDArray;
type Parametric = (x: ArrayLike, parameter?: ArrayLike) => NDArray;

/** (x + sqrt(x^2 + b)) / 2, with b = 4 unless given. */
export const squareplus: Parametric = withParameter(
  "squareplus",
  (x, b) => div(add(x, u.sqrt(add(u.square(x), b))), 2),
  () => 4,
);
/** log(1 + exp(x)) */
export const softplus: Activation = named("softplus", (x) => logaddexp(x, 0));
/** 0 up to -1, x from 1 on, and a parabola between. */
export const sparsePlus: Activation = named("sparse_plus", (x) => {
  const low = lessEqual(x, float(-1));
  const high = greaterEqual(x, float(1));
  return where(low, float(0), where(high, x, div(u.power(add(x, float(1)), 2), 4)));
});
/** x / (|x| + 1) */
export const softSign: Activation = named("soft_sign", (x) => div(x, add(u.abs(x), 1)));
/** 1 / (1 + exp(-x)) */
export const sigmoid: Activation = (x) => logistic(toArray(x, "sigmoid"));
export const sparseSigmoid: Activation = named("sparse_sigmoid", (x) =>
  mul(0.5, clip(add(x, float(1)), float(0), float(2))),
);
/** x * sigmoid(x) */
export const silu: Activation = named("silu", (x) => mul(x, sigmoid(x)));
export { silu as swish };
/** x * tanh(softplus(x)) */
export const mish: Activation = named("mish", (x) => mul(x, u.tanh(softplus(x))));
/** log(sigmoid(x)) */
export const logSigmoid: Activation = named("log_sigmoid", (x) => u.negative(softplus(u.negative(x))));

/** x for x > 0, alpha * (exp(x) - 1) elsewhere; alpha is 1 unless given. */
export const elu: Parametric = withParameter(
  "elu",
  (x, alpha) => {
    const positive = greater(x, 0);
    return where(positive, x, mul(alpha, u.expm1(where(greater(x, 0), float(0), x))));
  },
  () => float(1),
);

/** x for x >= 0, slope * x elsewhere; the slope is 0.01 unless given. */
export const leakyRelu: Parametric = withParameter(
  "leaky_relu",
  (x, slope) => {
    const positive = greaterEqual(x, 0);
    return where(positive, x, mul(slope, x));
  },
  () => 0.01,
);

export const hardTanh: Activation = named("hard_tanh", (x) => {
  const above = greater(x, 1);
  return where(above, 1, where(less(x, -1), -1, x));
});

/** max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1), with alpha = 1 unless given. */
export const celu: Parametric = withParameter(
  "celu",
  (x, alpha) => {
    const positive = u.maximum(x, float(0));
    return add(positive, mul(alpha, u.expm1(div(u.minimum(x, float(0)), alpha))));
  },
  () => float(1),
);

const SELU_ALPHA = 1.6732632423543772848170429916717;
const SELU_SCALE = 1.0507009873554804934193349852946;
export const selu: Activation = named("selu", (x) => mul(SELU_SCALE, elu(x, SELU_ALPHA)));

/** x times the normal distribution function at x: by a formula with tanh, or with the error function if not `approximate`. */
export function gelu(x: ArrayLike, options: boolean | { readonly approximate?: boolean } = {}): NDArray {
  const approximate = typeof options === "boolean" ? options : (options.approximate ?? true);
  const [a] = settled(promoteArgsInexact("gelu", x)) as [NDArray];
  if (approximate) {
    const scale = literal(Math.sqrt(2 / Math.PI), a.dtype);
    const inner = mul(scale, add(a, mul(0.044715, u.power(a, 3))));
    return mul(a, mul(0.5, add(float(1), u.tanh(inner))));
  }
  const scale = literal(Math.SQRT1_2, a.dtype);
  const half = mul(0.5, a);
  return array(mul(half, erfc(mul(u.negative(a), scale))), { dtype: a.dtype });
}

/** The first half of the array along an axis, times the sigmoid of the second. */
export function glu(x: ArrayLike, options: number | { readonly axis?: number } = {}): NDArray {
  const axis = typeof options === "number" ? options : (options.axis ?? -1);
  return jitted(
    "glu",
    String(axis),
    (x) => {
      const [left, right] = split(x, 2, axis) as [NDArray, NDArray];
      return mul(left, sigmoid(right));
    },
    [x],
  );
}

/** relu6(x + 3) / 6 */
export const hardSigmoid: Activation = named("hard_sigmoid", (x) => div(relu6(add(x, float(3))), float(6)));
/** x * hardSigmoid(x) */
export const hardSilu: Activation = named("hard_silu", (x) => mul(x, hardSigmoid(x)));
export { hardSilu as hardSwish };
