/**
 * What the workloads are: their sizes, numbers from a hash of their places (so that every library on every machine gets the same ones), and the
 * losses that every library must find. Nothing here needs a library, so that the peers' programs read it too.
 */

/** n numbers between -scale and scale. */
export function hashed(n: number, seed: number, scale = 1): Float32Array {
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let h = (Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    out[i] = (((h >>> 0) / 4294967296) * 2 - 1) * scale;
  }
  return out;
}

export const W1 = {
  shapes: [
    [5, 4],
    [6, 5],
    [7, 6],
  ],
} as const;
export const W2 = { batch: 256, dims: [784, 1024, 1024, 10], rate: 0.1 } as const;
export const W3 = { layers: 4, width: 256, heads: 4, length: 128, batch: 4, vocabulary: 512 } as const;
export const W4 = { steps: 1000, hidden: 128, batch: 16 } as const;
export const W5 = { size: 4 * 1024 * 1024 } as const;
export const W6 = [512, 1024, 2048] as const;
export const W7 = { batch: 32, rate: 0.05 } as const;
export const W8 = { depths: [50, 500, 2000], batch: 4, width: 8 } as const;

/** What every library must find: losses and sums of the magnitudes of gradients; that of W8 is the one of 50 layers. */
export const checks: Readonly<Record<string, number>> = {
  "W1 gradient": 39.746,
  "W2 first loss": 2.33207,
  "W2 tenth loss": 2.09506,
  "W3 loss": 6.33746,
  "W3 gradient": 2497.73,
  "W4 loss": 0.116325,
  "W4 gradient": 1.87413,
  "W5 gradient": 4.0174e6,
  "W7 loss": 2.29712,
  "W8 gradient": 391.716,
};

/** How far a loss may be from its check, relative to it: sums in another order move the sixth digit. */
export const tolerance = 2e-5;

/** The tokens of W3: for each of the batch one more than its length. */
export function gptTokens(): number[] {
  const { length, batch, vocabulary } = W3;
  return Array.from({ length: batch * (length + 1) }, (_, i) => (i * 7919 + ((i * i) % 97)) % vocabulary);
}
