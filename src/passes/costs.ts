/**
 * What an equation costs, by a model: floating-point operations and bytes moved. Nothing is measured; the figures are for comparing equations of
 * one program, as policies and planners do, not for predicting seconds.
 *
 * Flops: a product counts 2 m n k, elementwise arithmetic 1 an element, a division or root 4, an exponential, logarithm or trigonometric
 * function 10, special functions 40 (about what vectorized kernels take); data movement counts none. Bytes: all operands read and all outputs
 * written once, as without fusion. Loops count their body as often as it runs; where that is unknown (`while`), once. Of branches, the dearest counts.
 */
import { ClosedJaxpr, Jaxpr, Literal, type Eqn } from "../core/jaxpr.ts";
import { Memo } from "../core/memo.ts";
import { sizeOf } from "../core/aval.ts";

export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

export const NO_COST: Cost = { flops: 0, bytes: 0 };

export const addCosts = (costs: Iterable<Cost>): Cost => {
  let flops = 0;
  let bytes = 0;
  for (const cost of costs) {
    flops += cost.flops;
    bytes += cost.bytes;
  }
  return { flops, bytes };
};

/** Floating-point operations of an equation. */
export const flopsOf = (eqn: Eqn): number => costOf(eqn).flops;

/** Bytes that an equation reads and writes. */
export const bytesOf = (eqn: Eqn): number => costOf(eqn).bytes;

/** Both. */
export function costOf(eqn: Eqn): Cost {
  const { params } = eqn;
  const bodies = bodiesOf(eqn);
  switch (eqn.primitive.name) {
    case "scan":
      return times(params.length as number, costOfJaxpr(bodies[0]));
    case "cond":
      return bodies.map(costOfJaxpr).reduce((a, b) => (b.flops > a.flops ? b : a), NO_COST);
    case "reduce":
    case "reduce_window":
      return { flops: windowed(eqn) * Math.max(1, costOfJaxpr(bodies[0]).flops), bytes: movedBytes(eqn) };
    case "custom_linear_solve":
      return costOfJaxpr((params.jaxprs as readonly ClosedJaxpr[])[2].jaxpr);
    default:
      if (calls.has(eqn.primitive.name)) return addCosts(bodies.map(costOfJaxpr));
      return { flops: ownFlops(eqn), bytes: free.has(eqn.primitive.name) ? 0 : movedBytes(eqn) };
  }
}

const totals = new Memo<Jaxpr, Cost>();

/** The cost of all equations of a program. */
export const costOfJaxpr = (jaxpr: Jaxpr): Cost => totals.get(jaxpr, "", () => addCosts(jaxpr.eqns.map(costOf)));

const times = (n: number, { flops, bytes }: Cost): Cost => ({ flops: n * flops, bytes: n * bytes });

function bodiesOf(eqn: Eqn): Jaxpr[] {
  const found: Jaxpr[] = [];
  for (const value of Object.values(eqn.params)) {
    for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (item instanceof Jaxpr) found.push(item);
      else if (item instanceof ClosedJaxpr) found.push(item.jaxpr);
    }
  }
  return found;
}

function movedBytes(eqn: Eqn): number {
  let bytes = 0;
  for (const x of eqn.invars) if (!(x instanceof Literal)) bytes += x.aval.nbytes;
  for (const v of eqn.outvars) bytes += v.aval.nbytes;
  return bytes;
}

const words = (text: string): readonly string[] => text.split(" ");

/** Calls of a body. */
const calls: ReadonlySet<string> = new Set(
  words("jit closed_call remat2 custom_jvp_call custom_vjp_call custom_remat custom_remat_jvp while composite"),
);

/** What no engine does anything for. */
const free: ReadonlySet<string> = new Set(
  words("name stop_gradient optimization_barrier empty empty2 platform_index random_wrap random_unwrap custom_lin"),
);

/** Flops an element of the output. Everything else that is elementwise counts 1. */
const weights: Readonly<Record<string, number>> = Object.fromEntries([
  ...words("convert_element_type copy real imag complex").map((name) => [name, 0]),
  ...words("div sqrt rsqrt rem select_n integer_pow reduce_precision").map((name) => [
    name,
    name === "select_n" ? 1 : name === "integer_pow" || name === "reduce_precision" ? 2 : 4,
  ]),
  ...words(
    "exp exp2 expm1 log log1p logistic sin cos tan tanh sinh cosh asin acos atan asinh acosh atanh atan2 pow cbrt erf erfc erf_inv",
  ).map((name) => [name, 10]),
  ...words(
    "lgamma digamma bessel_i0e bessel_i1e igamma igammac igamma_grad_a regularized_incomplete_beta polygamma zeta",
  ).map((name) => [name, 40]),
]) as Readonly<Record<string, number>>;

type Rule = (eqn: Eqn) => number;

const outSize = (eqn: Eqn): number => eqn.outvars.reduce((sum, v) => sum + v.aval.size, 0);
const inSize = (eqn: Eqn): number => eqn.invars[0].aval.size;
const perInput =
  (flops: number): Rule =>
  (eqn) =>
    flops * inSize(eqn);
const none: Rule = () => 0;

/** For matrices in the last two axes: `factor` times rows times columns times the smaller of both, for each matrix of the batch. */
const cubic =
  (factor: number): Rule =>
  (eqn) => {
    const { shape, size } = eqn.invars[0].aval;
    return factor * size * Math.min(shape[shape.length - 1], shape[shape.length - 2] ?? 1);
  };

/** Operands of every output element of a window, times their number. */
function windowed(eqn: Eqn): number {
  const window = eqn.params.window_dimensions as readonly number[] | undefined;
  return window === undefined ? inSize(eqn) : outSize(eqn) * sizeOf(window);
}

function sorting(eqn: Eqn): number {
  const axis = (eqn.params.dimension ?? eqn.params.axis ?? eqn.invars[0].aval.ndim - 1) as number;
  const length = eqn.invars[0].aval.shape[axis] ?? 1;
  return inSize(eqn) * Math.ceil(Math.log2(Math.max(2, length)));
}

function product(eqn: Eqn): number {
  const [[contracted]] = eqn.params.dimension_numbers as readonly [readonly [readonly number[], unknown], unknown];
  const { shape } = eqn.invars[0].aval;
  return 2 * outSize(eqn) * sizeOf(contracted.map((d) => shape[d]));
}

/** Each row meets the matrix of its group only. */
function raggedProduct(eqn: Eqn): number {
  const { dotDimensionNumbers, lhsRaggedDimensions } = eqn.params.ragged_dot_dimension_numbers as {
    readonly dotDimensionNumbers: readonly [readonly [readonly number[], unknown], unknown];
    readonly lhsRaggedDimensions: readonly number[];
  };
  const [[contracted]] = dotDimensionNumbers;
  const { shape } = eqn.invars[0].aval;
  const groups = contracted.includes(lhsRaggedDimensions[0]) ? (eqn.invars[2].aval.shape.at(-1) ?? 1) : 1;
  return (2 * outSize(eqn) * sizeOf(contracted.map((d) => shape[d]))) / Math.max(1, groups);
}

function convolution(eqn: Eqn): number {
  const numbers = eqn.params.dimension_numbers as { readonly rhs_spec: readonly number[] };
  const kernel = eqn.invars[1].aval;
  return 2 * outSize(eqn) * (kernel.size / Math.max(1, kernel.shape[numbers.rhs_spec[0]]));
}

function fourier(eqn: Eqn): number {
  const n = sizeOf(eqn.params.fft_lengths as readonly number[]);
  return 5 * Math.max(inSize(eqn), outSize(eqn)) * Math.log2(Math.max(2, n));
}

/** Every primitive that is neither elementwise nor a call. */
const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    words(
      "broadcast_in_dim reshape transpose rev squeeze slice pad concatenate split stack unstack tile gather scatter dynamic_slice " +
        "dynamic_update_slice device_put bitcast_convert_type iota empty empty2 platform_index name optimization_barrier random_wrap " +
        "random_unwrap custom_lin lu_pivots_to_permutation axis_index all_gather all_to_all ppermute pbroadcast",
    ).map((name) => [name, none]),
  ),
  ...Object.fromEntries(
    words(
      "reduce_sum reduce_prod reduce_max reduce_min reduce_and reduce_or reduce_xor argmax argmin cumsum cumprod cummax cummin " +
        "psum pmax pmin reduce_scatter",
    ).map((name) => [name, perInput(1)]),
  ),
  ...Object.fromEntries(
    words("scatter-add scatter-sub scatter-mul scatter-max scatter-min").map((name) => [
      name,
      (eqn: Eqn) => eqn.invars[2].aval.size,
    ]),
  ),
  ...Object.fromEntries(
    words("reduce_window_sum reduce_window_max reduce_window_min select_and_gather_add select_and_scatter_add").map(
      (name) => [name, windowed],
    ),
  ),
  cumlogsumexp: perInput(20),
  sort: sorting,
  top_k: sorting,
  dot_general: product,
  ragged_dot_general: raggedProduct,
  conv_general_dilated: convolution,
  fft: fourier,
  threefry2x32: (eqn) => 60 * outSize(eqn),
  random_bits: (eqn) => 60 * outSize(eqn),
  random_gamma: (eqn) => 200 * outSize(eqn),
  random_seed: (eqn) => 60 * outSize(eqn),
  random_split: (eqn) => 60 * outSize(eqn),
  random_fold_in: (eqn) => 60 * outSize(eqn),
  cholesky: cubic(1 / 3),
  triangular_solve: (eqn) => outSize(eqn) * (eqn.invars[0].aval.shape.at(-1) ?? 1),
  lu: cubic(2 / 3),
  qr: cubic(4),
  geqrf: cubic(2),
  householder_product: cubic(2),
  eigh: cubic(9),
  svd: cubic(12),
  hessenberg: cubic(10 / 3),
  tridiagonal: cubic(4 / 3),
  schur: cubic(25),
  eig: cubic(27),
  tridiagonal_solve: (eqn) => 8 * outSize(eqn),
  symmetric_product: (eqn) => 2 * outSize(eqn) * (eqn.invars[0].aval.shape.at(-1) ?? 1),
  cholesky_update: (eqn) => 6 * outSize(eqn),
  ormqr: (eqn) => 4 * outSize(eqn) * (eqn.invars[1].aval.shape.at(-1) ?? 1),
};

/** Whether the model has figures of its own for a primitive that isn't elementwise: a test asks it of the whole registry. */
export const hasCost = (name: string): boolean =>
  name in rules || calls.has(name) || ["scan", "cond", "reduce", "reduce_window", "custom_linear_solve"].includes(name);

function ownFlops(eqn: Eqn): number {
  const { name } = eqn.primitive;
  if (name in rules) return rules[name](eqn);
  return (weights[name] ?? 1) * outSize(eqn);
}
