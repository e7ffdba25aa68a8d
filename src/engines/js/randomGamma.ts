/**
 * Gamma-distributed numbers. Every element has a key of its own, from which its normal and uniform numbers come, so that the loops of the
 * elements don't know of each other.
 */
import type { RandomGammaParams } from "../../primitives/randomGamma.ts";
import { erfInvSingle } from "./erfInv.ts";
import type { Kernel } from "./kernel.ts";
import { numbersOf, stored } from "./numbers.ts";
import { threefry } from "./random.ts";
import { erfInv } from "./special.ts";

type Key = readonly [number, number];

/** The i-th of the keys that one is split into. */
function subkey([k0, k1]: Key, i: number): Key {
  const out = new Uint32Array(2);
  threefry(k0, k1, 0, i, out, 0);
  return [out[0], out[1]];
}

interface Precision {
  readonly round: (x: number) => number;
  /** A uniform number from [0, 1). */
  readonly uniform: (key: Key) => number;
  /** The least uniform number that normal numbers are made of. */
  readonly low: number;
  readonly erfInv: (x: number) => number;
}

const single: Precision = {
  round: Math.fround,
  uniform(key) {
    const [a, b] = subkey(key, 0);
    return ((a ^ b) >>> 9) / 2 ** 23;
  },
  low: -1 + 2 ** -24,
  erfInv: erfInvSingle,
};

const double: Precision = {
  round: (x) => x,
  uniform(key) {
    const [high, low] = subkey(key, 0);
    return (high * 2 ** 20 + (low >>> 12)) / 2 ** 52;
  },
  low: -1 + 2 ** -53,
  erfInv,
};

function normal(key: Key, { round, uniform, low, erfInv: inverse }: Precision): number {
  const u = Math.max(low, round(round(uniform(key) * round(1 - low)) + low));
  return round(round(Math.SQRT2) * inverse(u));
}

function sample(key: Key, shape: number, logSpace: boolean, precision: Precision): number {
  const { round, uniform } = precision;
  const boosted = shape < 1;
  const alpha = boosted ? round(shape + 1) : shape;
  const third = round(1 / 3);
  const d = round(alpha - third);
  const c = round(third / round(Math.sqrt(d)));
  let state = subkey(key, 0);
  const boostKey = subkey(key, 1);
  let [x2, v3, u] = [0, 1, 2];
  while (u >= 1 - 0.0331 * x2 * x2 && Math.log(u) >= x2 * 0.5 + d * (1 - v3 + Math.log(v3))) {
    let xKey = subkey(state, 1);
    const uKey = subkey(state, 2);
    state = subkey(state, 0);
    let [x, v] = [0, -1];
    while (v <= 0) {
      x = normal(subkey(xKey, 1), precision);
      xKey = subkey(xKey, 0);
      v = round(1 + round(x * c));
    }
    x2 = round(x * x);
    v3 = round(round(v * v) * v);
    u = uniform(uKey);
  }
  const uniformBoost = uniform(boostKey);
  if (logSpace) {
    const logSample = round(Math.log1p(-uniformBoost));
    const boost = !boosted || logSample === 0 ? 0 : round(logSample * round(1 / shape));
    return round(round(Math.log(d) + Math.log(v3)) + boost);
  }
  const boost = boosted ? round((1 - uniformBoost) ** round(1 / shape)) : 1;
  return round(round(d * v3) * boost);
}

const randomGamma: Kernel = ([keys, a], [outAval], params) => {
  const { log_space: logSpace } = params as RandomGammaParams;
  const shapes = numbersOf(a);
  const precision = a.dtype === "float64" ? double : single;
  const out = new Float64Array(a.size);
  const each = keys.size === 0 ? 0 : a.size / keys.size;
  for (let i = 0; i < a.size; i++) {
    const k = Math.floor(i / each);
    const key = subkey([Number(keys.data[2 * k]), Number(keys.data[2 * k + 1])], i % each);
    out[i] = sample(key, shapes[i], logSpace, precision);
  }
  return [stored(out, outAval.dtype)];
};

export const randomGammaKernels = { random_gamma: randomGamma } as const;
