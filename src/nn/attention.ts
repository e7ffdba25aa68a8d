/**
 * Scaled dot-product attention with grouped queries: query heads may share the heads of keys and values. Computed in the order of the
 * letters B (batch), T and S (positions of queries and keys), N (heads) and H (features), group by group.
 */
import type { NDArray } from "../core/array.ts";
import { matchAxis } from "../core/axes.ts";
import { batchFlat } from "../core/batch.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import { range } from "../primitives/axes.ts";
import { full } from "../primitives/broadcasting.ts";
import { convertElementType, stopGradient } from "../primitives/convert.ts";
import { expanded } from "../primitives/shape.ts";
import { array, asarray, type ArrayLike } from "../numpy/asarray.ts";
import { arange, ones } from "../numpy/creation.ts";
import { tril } from "../numpy/diagonals.ts";
import { einsum } from "../numpy/einsum.ts";
import { finfo } from "../numpy/floats.ts";
import { greaterEqual, less, lessEqual, logicalAnd } from "../numpy/logic.ts";
import { promoteTypes } from "../numpy/promote.ts";
import { broadcastTo, reshape, transpose } from "../numpy/shape.ts";
import { add, multiply, subtract } from "../numpy/ufuncs.ts";
import { where } from "../numpy/where.ts";
import { logsumexp, softmax } from "./normalize.ts";

export interface AttentionOptions {
  /** Added to the logits: [B, N, T, S], or sizes that broadcast. */
  readonly bias?: ArrayLike | null;
  /** False where a query may not look: [B, N, T, S], or sizes that broadcast. */
  readonly mask?: ArrayLike | null;
  /** The factor of the logits; 1 / sqrt(H) if none is given. */
  readonly scale?: number | null;
  /** Queries look at keys up to their own position. */
  readonly isCausal?: boolean;
  /** How many positions of each batch member count: int32 of shape [B]. */
  readonly querySeqLengths?: ArrayLike | null;
  readonly keyValueSeqLengths?: ArrayLike | null;
  /** How many positions before and after its own a query may look at. */
  readonly localWindowSize?: number | readonly [before: number, after: number] | null;
  /** Gives the logarithms of the sums of exponentials too, of shape [B, T, N]. */
  readonly returnResidual?: boolean;
}

interface Settings {
  readonly scale: number;
  readonly isCausal: boolean;
  readonly queryLengths: NDArray | null;
  readonly keyLengths: NDArray | null;
  readonly window: readonly [number, number] | null;
  readonly returnResidual: boolean;
}

const none = (x: ArrayLike | null | undefined): x is null | undefined => x === null || x === undefined;

function withBatch(x: ArrayLike): NDArray {
  const a = asarray(x);
  return a.ndim === 4 ? a : expanded(a, range(4 - a.ndim));
}

function check(name: string, x: NDArray | null, shape: readonly number[], dtype: DType | null): void {
  if (x === null) return;
  const text = (s: readonly number[]): string => `[${s.join(", ")}]`;
  if (x.ndim !== shape.length) {
    throw new RematValueError(
      `${name} ndim should be ${shape.length}, but got ${x.ndim}: its shape is ${text(x.shape)}.`,
    );
  }
  if (dtype !== null && x.dtype !== dtype) {
    throw new RematValueError(`${name} dtype should be ${dtype}, but got ${x.dtype}. Convert it with astype.`);
  }
  if (shape.some((d, i) => d !== -1 && d !== x.shape[i])) {
    throw new RematValueError(
      `${name} shape should be ${text(shape)}: but got ${text(x.shape)}. A size of -1 may be any.`,
    );
  }
}

/**
 * softmax(query key' * scale + bias) value. Shapes: query [B, T, N, H], key and value [B, S, K, H], where N is a multiple of K; B may be
 * left out. Gives [B, T, N, H].
 *
 * @throws RematValueError if sizes or dtypes do not fit.
 */
export function dotProductAttention(
  query: ArrayLike,
  key: ArrayLike,
  value: ArrayLike,
  options: AttentionOptions & { readonly returnResidual: true },
): [encoded: NDArray, residual: NDArray];
export function dotProductAttention(
  query: ArrayLike,
  key: ArrayLike,
  value: ArrayLike,
  options?: AttentionOptions,
): NDArray;
export function dotProductAttention(
  query: ArrayLike,
  key: ArrayLike,
  value: ArrayLike,
  options: AttentionOptions = {},
): NDArray | [NDArray, NDArray] {
  const { shape } = asarray(query);
  const [q, k, v] = [withBatch(query), withBatch(key), withBatch(value)];
  const bias = none(options.bias) ? null : withBatch(options.bias);
  const mask = none(options.mask) ? null : withBatch(options.mask);
  const queryLengths = none(options.querySeqLengths) ? null : asarray(options.querySeqLengths);
  const keyLengths = none(options.keyValueSeqLengths) ? null : asarray(options.keyValueSeqLengths);
  const [B, S, K, H] = k.shape;
  check("value", v, [B, S, K, H], k.dtype);
  check("query", q, [B, -1, -1, H], k.dtype);
  check("mask", mask, [-1, -1, -1, -1], "bool");
  check("bias", bias, [-1, -1, -1, -1], null);
  check("query_seq_lengths", queryLengths, [B], "int32");
  check("key_value_seq_lengths", keyLengths, [B], "int32");
  const [, T, N] = q.shape;
  if (N % K !== 0) {
    throw new RematValueError(`The number of query heads must be a multiple of key/value heads, but got ${N} vs ${K}.`);
  }
  const window = options.localWindowSize ?? null;
  const settings: Settings = {
    scale: options.scale ?? 1 / Math.sqrt(H),
    isCausal: options.isCausal ?? false,
    queryLengths,
    keyLengths,
    window: typeof window === "number" ? [window, window] : window,
    returnResidual: options.returnResidual ?? false,
  };
  const G = N / K;
  const grouped = reshape(q, [B, T, K, G, H]);
  const byGroup = (x: NDArray | null): NDArray | null => {
    if (x === null) return null;
    const [b, n, t, s] = x.shape;
    return n === 1 ? broadcastTo(expanded(x, [2]), [b, n, G, t, s]) : reshape(x, [b, K, G, t, s]);
  };
  const extras = [byGroup(bias), byGroup(mask)];
  const operands = [grouped, k, v, ...extras.filter((x) => x !== null)];
  const axes = [3, null, null, ...extras.filter((x) => x !== null).map(() => 2)];
  const { outs, dims } = batchFlat(
    ([q, k, v, ...given]) => {
      const own = extras.map((x) => (x === null ? null : given.shift()!));
      return attend(q, k, v, own[0], own[1], settings);
    },
    G,
    operands,
    axes,
  );
  const [encoded, residual] = outs.map((x, i) => matchAxis(G, dims[i], 3, x));
  const out = reshape(reshape(encoded, [B, T, N, H]), shape);
  return settings.returnResidual ? [out, reshape(reshape(residual, [B, T, N]), shape.slice(0, -1))] : out;
}

/** Attention of one group of query heads: all operands have their heads in common. */
function attend(
  q: NDArray,
  k: NDArray,
  v: NDArray,
  bias: NDArray | null,
  mask: NDArray | null,
  settings: Settings,
): NDArray[] {
  const dtype = promoteTypes(q.dtype, "float32");
  let logits = einsum("BTNH,BSNH->BNTS", q, k, { preferredElementType: dtype });
  logits = multiply(logits, array(settings.scale, { dtype: logits.dtype }));
  if (bias !== null) logits = convertElementType(add(logits, bias), logits.dtype);
  const masked = convertElementType(applyMasks(logits, mask, settings), "float32");
  const weights = convertElementType(softmax(masked, -1), k.dtype);
  let encoded = einsum("BNTS,BSNH->BTNH", weights, v);
  if (settings.queryLengths !== null) {
    const counts = less(expanded(arange(0, encoded.shape[1]), [0]), expanded(settings.queryLengths, [1]));
    encoded = multiply(encoded, convertElementType(expanded(counts, [2, 3]), encoded.dtype));
  }
  if (!settings.returnResidual) return [encoded];
  const sums = transpose(convertElementType(logsumexp(masked, -1), k.dtype), [0, 2, 1]);
  return [encoded, stopGradient(sums)];
}

function applyMasks(logits: NDArray, mask: NDArray | null, settings: Settings): NDArray {
  const { isCausal, queryLengths, keyLengths, window } = settings;
  if (mask === null && !isCausal && queryLengths === null && keyLengths === null && window === null) return logits;
  let all = full(logits.shape, true, "bool");
  if (mask !== null) all = logicalAnd(all, mask);
  const [T, S] = logits.shape.slice(2);
  if (isCausal) all = logicalAnd(all, expanded(tril(ones([T, S], "bool")), [0, 1]));
  if (window !== null) all = logicalAnd(all, windowMask(T, S, window));
  if (queryLengths !== null || keyLengths !== null) all = logicalAnd(all, paddingMask(T, S, queryLengths, keyLengths));
  const limit = Math.min(finfo(logits).max, finfo("float32").max);
  return where(all, logits, asarray(-0.7 * limit, { dtype: logits.dtype }));
}

function windowMask(T: number, S: number, [before, after]: readonly [number, number]): NDArray {
  const queries = array(range(T), "int32");
  const keys = array(range(S), "int32");
  const left = lessEqual(expanded(queries, [1]), add(expanded(keys, [0]), before));
  const right = greaterEqual(expanded(queries, [1]), subtract(expanded(keys, [0]), after));
  return expanded(logicalAnd(right, left), [0, 1]);
}

function paddingMask(T: number, S: number, queryLengths: NDArray | null, keyLengths: NDArray | null): NDArray {
  let queries: ArrayLike = true;
  if (queryLengths !== null) queries = less(expanded(arange(0, T), [0, 2]), expanded(queryLengths, [1, 2]));
  let keys: ArrayLike = true;
  if (keyLengths !== null) keys = less(expanded(arange(0, S), [0, 1]), expanded(keyLengths, [1, 2]));
  return expanded(logicalAnd(queries, keys), [1]);
}
