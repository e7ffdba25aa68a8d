/**
 * The registry: every primitive of the library under its name. Engines must have a kernel for each of these names, and the tests state laws
 * that each of these records obeys.
 */
import type { Primitive } from "../core/primitive.ts";
import { addAny } from "../core/addAny.ts";
import { customLin } from "../core/customLinear.ts";
import {
  absP,
  addP,
  atan2P,
  divP,
  integerPowP,
  maxP,
  minP,
  mulP,
  mulhiP,
  negP,
  nextafterP,
  signP,
  squareP,
  subP,
} from "./arithmetic.ts";
import { powP } from "./pow.ts";
import { remP } from "./rem.ts";
import { closedCall } from "./closedCall.ts";
import { axisIndexP, pmax, pmin, psum } from "./collectives.ts";
import {
  andP,
  clampP,
  clzP,
  eqP,
  eqToP,
  geP,
  gtP,
  leP,
  leToP,
  ltP,
  ltToP,
  neP,
  notP,
  orP,
  populationCountP,
  selectNP,
  shiftLeftP,
  shiftRightArithmeticP,
  shiftRightLogicalP,
  xorP,
} from "./comparison.ts";
import { complexP, conjP, imagP, realP } from "./complex.ts";
import { compositeP } from "./composite.ts";
import { cond } from "./cond.ts";
import { convGeneralDilated } from "./conv.ts";
import {
  bitcastConvertTypeP,
  convertElementTypeP,
  copyP,
  optimizationBarrierP,
  reducePrecisionP,
  stopGradientP,
} from "./convert.ts";
import { cumlogsumexp, cummax, cummin, cumprod, cumsum } from "./cumulative.ts";
import { customJvpP } from "./customJvp.ts";
import { customRemat, customRematJvp } from "./customRemat.ts";
import { customVjpP } from "./customVjp.ts";
import { devicePutP } from "./devicePut.ts";
import { dotGeneral } from "./dot.ts";
import {
  acosP,
  acoshP,
  asinP,
  asinhP,
  atanP,
  atanhP,
  cbrtP,
  ceilP,
  cosP,
  coshP,
  exp2P,
  expP,
  expm1P,
  floorP,
  isFiniteP,
  log1pP,
  logP,
  logisticP,
  roundP,
  rsqrtP,
  sinP,
  sinhP,
  sqrtP,
  tanP,
  tanhP,
} from "./elementwise.ts";
import { choleskyP } from "./cholesky.ts";
import { eigP } from "./eig.ts";
import { eighP } from "./eigh.ts";
import { allGather, allToAll, pbroadcast, ppermute, reduceScatter } from "./exchanges.ts";
import { fftP } from "./fft.ts";
import { linearSolveP } from "./linearSolve.ts";
import { luP, luPivotsToPermutationP } from "./lu.ts";
import { hessenbergP, schurP, tridiagonalP } from "./matrixForms.ts";
import { choleskyUpdateP, ormqrP, symmetricProductP } from "./matrixUpdates.ts";
import { geqrfP, householderProductP, qrP } from "./qr.ts";
import { svdP } from "./svd.ts";
import { triangularSolveP } from "./triangularSolve.ts";
import { tridiagonalSolveP } from "./tridiagonalSolve.ts";
import { gather, scatterAdd, scatterSub } from "./gather.ts";
import { empty, empty2, iota, platformIndex } from "./iota.ts";
import { jit } from "./jit.ts";
import { concatenate, split, stack, tile, unstack } from "./join.ts";
import { nameP } from "./name.ts";
import { pad, slice } from "./pad.ts";
import { raggedDotP } from "./raggedDot.ts";
import { randomGamma } from "./randomGamma.ts";
import { randomBits, randomFoldIn, randomSeed, randomSplit, randomUnwrap, randomWrap, threefry2x32 } from "./random.ts";
import { argmax, argmin, reduce, reduceAnd, reduceMax, reduceMin, reduceOr, reduceProd, reduceXor } from "./reduce.ts";
import { remat } from "./remat.ts";
import { scan } from "./scan.ts";
import { scatter, scatterMax, scatterMin, scatterMul } from "./scatter.ts";
import { broadcastInDim, reduceSum, reshape, rev, squeeze, transpose } from "./shape.ts";
import { dynamicSlice, dynamicUpdateSlice } from "./slicing.ts";
import { sort, topK } from "./sort.ts";
import {
  besselI0eP,
  besselI1eP,
  betaincP,
  digammaP,
  erfInvP,
  erfP,
  erfcP,
  igammaGradAP,
  igammaP,
  igammacP,
  lgammaP,
  polygammaP,
  zetaP,
} from "./special.ts";
import { whileP } from "./while.ts";
import {
  reduceWindow,
  reduceWindowMax,
  reduceWindowMin,
  reduceWindowSum,
  selectAndGatherAdd,
  selectAndScatterAdd,
} from "./window.ts";

export const primitives = {
  add_any: addAny,
  custom_lin: customLin,
  abs: absP,
  add: addP,
  atan2: atan2P,
  div: divP,
  integer_pow: integerPowP,
  max: maxP,
  min: minP,
  mul: mulP,
  mulhi: mulhiP,
  neg: negP,
  nextafter: nextafterP,
  pow: powP,
  rem: remP,
  sign: signP,
  square: squareP,
  sub: subP,
  closed_call: closedCall,
  axis_index: axisIndexP,
  pmax,
  pmin,
  psum,
  all_gather: allGather,
  all_to_all: allToAll,
  pbroadcast,
  ppermute,
  reduce_scatter: reduceScatter,
  and: andP,
  clamp: clampP,
  clz: clzP,
  eq: eqP,
  eq_to: eqToP,
  ge: geP,
  gt: gtP,
  le: leP,
  le_to: leToP,
  lt: ltP,
  lt_to: ltToP,
  ne: neP,
  not: notP,
  or: orP,
  population_count: populationCountP,
  select_n: selectNP,
  shift_left: shiftLeftP,
  shift_right_arithmetic: shiftRightArithmeticP,
  shift_right_logical: shiftRightLogicalP,
  xor: xorP,
  complex: complexP,
  conj: conjP,
  imag: imagP,
  real: realP,
  composite: compositeP,
  cond,
  conv_general_dilated: convGeneralDilated,
  bitcast_convert_type: bitcastConvertTypeP,
  convert_element_type: convertElementTypeP,
  copy: copyP,
  optimization_barrier: optimizationBarrierP,
  reduce_precision: reducePrecisionP,
  stop_gradient: stopGradientP,
  cumlogsumexp,
  cummax,
  cummin,
  cumprod,
  cumsum,
  custom_jvp_call: customJvpP,
  custom_remat: customRemat,
  custom_remat_jvp: customRematJvp,
  custom_vjp_call: customVjpP,
  device_put: devicePutP,
  dot_general: dotGeneral,
  ragged_dot_general: raggedDotP,
  acos: acosP,
  acosh: acoshP,
  asin: asinP,
  asinh: asinhP,
  atan: atanP,
  atanh: atanhP,
  cbrt: cbrtP,
  ceil: ceilP,
  cos: cosP,
  cosh: coshP,
  exp2: exp2P,
  exp: expP,
  expm1: expm1P,
  floor: floorP,
  is_finite: isFiniteP,
  log1p: log1pP,
  log: logP,
  logistic: logisticP,
  round: roundP,
  rsqrt: rsqrtP,
  sin: sinP,
  sinh: sinhP,
  sqrt: sqrtP,
  tan: tanP,
  tanh: tanhP,
  gather,
  "scatter-add": scatterAdd,
  "scatter-sub": scatterSub,
  empty,
  empty2,
  iota,
  platform_index: platformIndex,
  jit,
  concatenate,
  split,
  stack,
  tile,
  unstack,
  name: nameP,
  pad,
  slice,
  random_bits: randomBits,
  random_fold_in: randomFoldIn,
  random_gamma: randomGamma,
  random_seed: randomSeed,
  random_split: randomSplit,
  random_unwrap: randomUnwrap,
  random_wrap: randomWrap,
  threefry2x32,
  argmax,
  argmin,
  reduce,
  reduce_and: reduceAnd,
  reduce_max: reduceMax,
  reduce_min: reduceMin,
  reduce_or: reduceOr,
  reduce_prod: reduceProd,
  reduce_sum: reduceSum,
  reduce_xor: reduceXor,
  remat2: remat,
  scan,
  scatter,
  "scatter-max": scatterMax,
  "scatter-min": scatterMin,
  "scatter-mul": scatterMul,
  broadcast_in_dim: broadcastInDim,
  reshape,
  rev,
  squeeze,
  transpose,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
  fft: fftP,
  cholesky: choleskyP,
  triangular_solve: triangularSolveP,
  lu: luP,
  lu_pivots_to_permutation: luPivotsToPermutationP,
  qr: qrP,
  custom_linear_solve: linearSolveP,
  geqrf: geqrfP,
  householder_product: householderProductP,
  eig: eigP,
  eigh: eighP,
  hessenberg: hessenbergP,
  tridiagonal: tridiagonalP,
  schur: schurP,
  tridiagonal_solve: tridiagonalSolveP,
  symmetric_product: symmetricProductP,
  cholesky_update: choleskyUpdateP,
  ormqr: ormqrP,
  svd: svdP,
  sort,
  top_k: topK,
  bessel_i0e: besselI0eP,
  bessel_i1e: besselI1eP,
  regularized_incomplete_beta: betaincP,
  digamma: digammaP,
  erf_inv: erfInvP,
  erf: erfP,
  erfc: erfcP,
  igamma_grad_a: igammaGradAP,
  igamma: igammaP,
  igammac: igammacP,
  lgamma: lgammaP,
  polygamma: polygammaP,
  zeta: zetaP,
  while: whileP,
  reduce_window: reduceWindow,
  reduce_window_max: reduceWindowMax,
  reduce_window_min: reduceWindowMin,
  reduce_window_sum: reduceWindowSum,
  select_and_gather_add: selectAndGatherAdd,
  select_and_scatter_add: selectAndScatterAdd,
} as const;

/** The name of a primitive, as programs print it. */
export type PrimitiveName = keyof typeof primitives;

/** The records of all primitives. */
export const registry: readonly Primitive[] = Object.values(primitives);
