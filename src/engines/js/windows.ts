/** Where the elements of sliding windows lie: the table that convolutions and pooling share. */
import { sizeOf, type Shape } from "../../core/aval.ts";
import type { Padding } from "../../primitives/conv.ts";
import { stridesOf } from "./shape.ts";

export interface Windows {
  readonly input: Shape;
  readonly out: Shape;
  readonly window: Shape;
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly baseDilation: readonly number[];
  readonly windowDilation: readonly number[];
}

/**
 * For each place of the result (row-major) and each place in the window (row-major), the row-major index of the input element there, or -1
 * for padding and gaps.
 */
export function windowTable(w: Windows): Int32Array {
  const rank = w.input.length;
  const places = sizeOf(w.out);
  const width = sizeOf(w.window);
  const table = new Int32Array(places * width);
  const strides = stridesOf(w.input);
  const outStrides = stridesOf(w.out);
  const windowStrides = stridesOf(w.window);
  for (let p = 0; p < places; p++) {
    for (let k = 0; k < width; k++) {
      let at = 0;
      for (let d = 0; d < rank; d++) {
        const place = Math.floor(p / outStrides[d]) % w.out[d];
        const offset = Math.floor(k / windowStrides[d]) % w.window[d];
        const spread = place * w.strides[d] + offset * w.windowDilation[d] - w.padding[d][0];
        const i = spread / w.baseDilation[d];
        if (spread < 0 || !Number.isInteger(i) || i >= w.input[d]) {
          at = -1;
          break;
        }
        at += i * strides[d];
      }
      table[p * width + k] = at;
    }
  }
  return table;
}
