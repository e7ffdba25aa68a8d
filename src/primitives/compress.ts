/**
 * Codecs of residuals that are kept with fewer bits, as ordinary equations: what is done to a saved value stands in the printed program.
 *
 * `bf16` rounds to bfloat16: 8 bits of precision, the range of float32, a relative error of at most 2^-9. `int8` divides by a scale, the largest
 * absolute value of the array over 127, and rounds to whole numbers: an absolute error of at most half the scale, that is 0.4 % of the largest
 * value. (Jain et al., Gist, 2018, and Chen et al., ActNN, 2021, keep activations with few bits; ActNN has a scale for each group, and rounds at
 * random.) An infinity or a NaN in an array makes the whole array NaN under `int8`.
 */
import type { ShapedArray } from "../core/aval.ts";
import { dtypes, isFloat, type DType } from "../core/dtype.ts";
import type { Jaxpr } from "../core/jaxpr.ts";
import { Compress, type Codec, type CompressedFormat } from "../core/policy.ts";
import { stageFlat } from "../core/stage.ts";
import type { NDArray } from "../core/array.ts";
import { abs, div, max, mul } from "./arithmetic.ts";
import { broadcastToResult, constLike } from "./broadcasting.ts";
import { convertElementType } from "./convert.ts";
import { round } from "./elementwise.ts";
import { maximumOver } from "./reduce.ts";

const LEVELS = 127;
/** Keeps the scale of an array of zeros from being zero: near the smallest normal number of the dtype. */
const smallest = (dtype: DType): number => (dtype === "float16" ? 2 ** -14 : 2 ** -120);

const codecs = new Map<string, Codec>();

/**
 * The answer of a policy "save it with fewer bits": `new Compressible("bf16")`. The value of the function keeps its bits, gradients become
 * approximate.
 */
export class Compressible extends Compress {
  override readonly to: CompressedFormat;
  constructor(to: CompressedFormat) {
    super();
    this.to = to;
  }
  override codecOf(aval: ShapedArray): Codec | null {
    return codecOf(aval, this.to);
  }
  override toString(): string {
    return `Compressible(to='${this.to}')`;
  }
}

/** The codec of a type, or null where the format saves nothing: values that are no floats, or have as few bits. */
function codecOf(aval: ShapedArray, to: CompressedFormat): Codec | null {
  const width = dtypes[aval.dtype].bytes;
  const kept = to === "bf16" ? 2 * aval.size : aval.size + width;
  if (!isFloat(aval.dtype) || kept >= aval.nbytes) return null;
  const key = `${aval.key}/${to}`;
  let codec = codecs.get(key);
  if (codec === undefined) codecs.set(key, (codec = to === "bf16" ? bf16Codec(aval) : int8Codec(aval)));
  return codec;
}

const program = (avals: readonly ShapedArray[], fn: (...xs: readonly NDArray[]) => readonly NDArray[]): Jaxpr =>
  stageFlat((xs) => fn(...xs), avals).jaxpr;

function bf16Codec(aval: ShapedArray): Codec {
  const encode = program([aval], (x) => [convertElementType(x, "bfloat16")]);
  const decode = program(encode.outAvals, (kept) => [convertElementType(kept, aval.dtype, aval.weakType)]);
  return { encode, decode };
}

function int8Codec(aval: ShapedArray): Codec {
  const axes = aval.shape.map((_, i) => i);
  const encode = program([aval], (x) => {
    const largest = maximumOver(abs(x), axes);
    const scale = div(max(largest, constLike(largest, smallest(aval.dtype))), constLike(largest, LEVELS));
    return [convertElementType(round(div(x, broadcastToResult(aval.shape, scale)), 1), "int8"), scale];
  });
  const decode = program(encode.outAvals, (kept, scale) => {
    const x = convertElementType(kept, aval.dtype);
    return [convertElementType(mul(x, broadcastToResult(aval.shape, scale)), aval.dtype, aval.weakType)];
  });
  return { encode, decode };
}
