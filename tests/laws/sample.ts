/** Random operands for the laws: a fixed seed gives fixed arrays. All floats are float64, so that differences can be compared closely. */
import { np, type DType, type NDArray } from "../../src/index.ts";

export class Sample {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 2654435761) ^ 0x9e3779b9) >>> 0;
    for (let i = 0; i < 3; i++) this.unit();
  }

  /** A number in [0, 1). */
  unit(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  /** An integer from `low` up to and including `high`. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  pick<T>(xs: readonly T[]): T {
    return xs[this.int(0, xs.length - 1)];
  }

  flag(): boolean {
    return this.unit() < 0.5;
  }

  shape(minRank = 0, maxRank = 2, maxSize = 3): number[] {
    return Array.from({ length: this.int(minRank, maxRank) }, () => this.int(1, maxSize));
  }

  /** An array whose elements are drawn one by one. */
  array(shape: readonly number[], draw: () => number | boolean, dtype: DType = "float64"): NDArray {
    const size = shape.reduce((a, b) => a * b, 1);
    return np.reshape(np.array(Array.from({ length: size }, draw), dtype), [...shape]);
  }

  floats(shape: readonly number[], low = -2, high = 2): NDArray {
    return this.array(shape, () => low + (high - low) * this.unit());
  }

  /** Away from zero, of either sign. */
  nonzero(shape: readonly number[], low = 0.3, high = 2): NDArray {
    return this.array(shape, () => (this.flag() ? 1 : -1) * (low + (high - low) * this.unit()));
  }

  /** Away from integers and from halves, where rounding jumps. */
  betweenSteps(shape: readonly number[]): NDArray {
    return this.array(shape, () => this.int(-2, 2) + (this.flag() ? 0.1 : 0.6) + 0.3 * this.unit());
  }

  /** Numbers far from one another, so that an order does not change by a small step. */
  distinct(shape: readonly number[]): NDArray {
    const size = shape.reduce((a, b) => a * b, 1);
    const order = Array.from({ length: size }, (_, i) => i).sort(
      (a, b) => ((a * 7 + 3) % 11) - ((b * 7 + 3) % 11) || a - b,
    );
    const shift = this.int(0, size);
    let next = 0;
    return this.array(shape, () => (order[(next++ + shift) % size] - size / 2) * 0.5 + 0.1 * this.unit());
  }

  ints(shape: readonly number[], low = -5, high = 5, dtype: DType = "int32"): NDArray {
    return this.array(shape, () => this.int(low, high), dtype);
  }

  bools(shape: readonly number[]): NDArray {
    return this.array(shape, () => this.flag(), "bool");
  }

  permutation(n: number): number[] {
    const xs = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(0, i);
      [xs[i], xs[j]] = [xs[j], xs[i]];
    }
    return xs;
  }
}
