/**
 * Fourier transforms by splitting a length into its prime factors (Cooley and Tukey): a transform of length n = p·m is p transforms of the
 * m elements that are p apart, put together by p-th roots of one. Computed in doubles and rounded once.
 */
import type { Shape } from "../../core/aval.ts";
import type { FftParams } from "../../primitives/fft.ts";
import { fftTypes } from "../../primitives/fftTypes.ts";
import type { Kernel } from "./kernel.ts";
import { numbersOf, stored } from "./numbers.ts";

/** n complex numbers as (re, im) pairs. */
type Line = Float64Array;

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

/** Cosines and sines of k/n turns: exact quarters, and no error that grows with k. */
function rootsOfOne(n: number): Line {
  const out = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    const quarter = (4 * k) / n;
    const exact = Number.isInteger(quarter);
    out[2 * k] = exact ? [1, 0, -1, 0][quarter] : Math.cos((2 * Math.PI * k) / n);
    out[2 * k + 1] = exact ? [0, 1, 0, -1][quarter] : Math.sin((2 * Math.PI * k) / n);
  }
  return out;
}

/** The sums of x[j] exp(-2πi jk/n) over j, for each k. `roots` are those of a multiple of n. */
function transformed(x: Line, roots: Line): Line {
  const n = x.length / 2;
  if (n <= 1) return x;
  const p = smallestFactor(n);
  const m = n / p;
  const stride = roots.length / 2 / n;
  const parts = Array.from({ length: p }, (_, r) => {
    const part = new Float64Array(2 * m);
    for (let j = 0; j < m; j++) {
      part[2 * j] = x[2 * (j * p + r)];
      part[2 * j + 1] = x[2 * (j * p + r) + 1];
    }
    return transformed(part, roots);
  });
  const out = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    let [re, im] = [0, 0];
    for (let r = 0; r < p; r++) {
      const at = 2 * (k % m);
      const root = 2 * (((k * r) % n) * stride);
      const [c, s] = [roots[root], -roots[root + 1]];
      re += parts[r][at] * c - parts[r][at + 1] * s;
      im += parts[r][at] * s + parts[r][at + 1] * c;
    }
    out[2 * k] = re;
    out[2 * k + 1] = im;
  }
  return out;
}

const conjugate = (x: Line): void => {
  for (let i = 1; i < x.length; i += 2) x[i] = -x[i];
};

/** Transforms every line along one axis of an array of complex numbers in place; the inverse divides by the length. */
function alongAxis(data: Line, shape: Shape, axis: number, inverse: boolean): void {
  const n = shape[axis];
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const roots = rootsOfOne(n);
  for (let start = 0; start < data.length / 2; start++) {
    if (Math.floor(start / inner) % n !== 0) continue;
    const line = new Float64Array(2 * n);
    for (let j = 0; j < n; j++) {
      line[2 * j] = data[2 * (start + j * inner)];
      line[2 * j + 1] = data[2 * (start + j * inner) + 1];
    }
    if (inverse) conjugate(line);
    const out = transformed(line, roots);
    if (inverse) conjugate(out);
    const scale = inverse ? 1 / n : 1;
    for (let j = 0; j < n; j++) {
      data[2 * (start + j * inner)] = out[2 * j] * scale;
      data[2 * (start + j * inner) + 1] = out[2 * j + 1] * scale;
    }
  }
}

/** Lines of `from` complex numbers copied into lines of `to`, cut or filled with zeros. */
function resized(data: ArrayLike<number>, from: number, to: number): Line {
  const lines = from === 0 ? 0 : data.length / 2 / from;
  const out = new Float64Array(2 * lines * to);
  for (let line = 0; line < lines; line++) {
    for (let j = 0; j < 2 * Math.min(from, to); j++) out[2 * line * to + j] = data[2 * line * from + j];
  }
  return out;
}

/** The second half of the spectrum of a real line mirrors the first; what is imaginary where that cannot be is dropped. */
function mirror(data: Line, n: number): void {
  for (let line = 0; line < data.length; line += 2 * n) {
    data[line + 1] = 0;
    if (n % 2 === 0) data[line + n + 1] = 0;
    for (let j = Math.floor(n / 2) + 1; j < n; j++) {
      data[line + 2 * j] = data[line + 2 * (n - j)];
      data[line + 2 * j + 1] = -data[line + 2 * (n - j) + 1];
    }
  }
}

const fft: Kernel = ([x], [out], params) => {
  const { fft_type: kind, fft_lengths: lengths } = params as FftParams;
  const inverse = kind === fftTypes.IFFT || kind === fftTypes.IRFFT;
  const input = numbersOf(x);
  if (out.size === 0 || input.length === 0)
    return [stored(new Float64Array(out.size * (kind === fftTypes.IRFFT ? 1 : 2)), out.dtype)];
  const [ndim, n] = [x.ndim, lengths.at(-1)!];
  const outer = Array.from({ length: lengths.length - 1 }, (_, i) => ndim - lengths.length + i);

  if (kind === fftTypes.IRFFT) {
    const kept = Math.floor(n / 2) + 1;
    const half = resized(input, x.shape[ndim - 1], kept);
    for (const axis of outer) alongAxis(half, x.shape.with(-1, kept), axis, true);
    const whole = resized(half, kept, n);
    mirror(whole, n);
    alongAxis(whole, x.shape.with(-1, n), ndim - 1, true);
    return [
      stored(
        whole.filter((_, i) => i % 2 === 0),
        out.dtype,
      ),
    ];
  }
  if (kind === fftTypes.RFFT) {
    const whole = new Float64Array(2 * input.length);
    for (let i = 0; i < input.length; i++) whole[2 * i] = input[i];
    alongAxis(whole, x.shape, ndim - 1, false);
    const half = resized(whole, n, Math.floor(n / 2) + 1);
    for (const axis of outer) alongAxis(half, out.shape, axis, false);
    return [stored(half, out.dtype)];
  }
  const data = Float64Array.from(input);
  for (const axis of [...outer, ndim - 1]) alongAxis(data, x.shape, axis, inverse);
  return [stored(data, out.dtype)];
};

export const fftKernels = { fft } as const satisfies Record<string, Kernel>;
