/** Where the places of sliding windows lie: tables that the routines of convolutions and pooling look up, made once for a shape. */
import { sizeOf } from "../../../core/aval.ts";
import { rowMajor } from "../../../compile/view.ts";
import { OUTSIDE } from "./arguments.ts";

/** The places of a window along some axes, for each place of the result: byte offsets in the operand, and in the result first. */
export interface Table {
  readonly rows: number;
  readonly places: number;
  readonly entries: readonly number[];
}

export interface Axis {
  readonly size: number;
  readonly out: number;
  readonly window: number;
  /** In bytes. */
  readonly step: number;
  readonly outStep: number;
  readonly stride: number;
  readonly low: number;
  readonly dilation: number;
  readonly windowDilation: number;
}

/** Windows along `axes` as one table, row-major; along flipped ones the places count down. */
export function tableOf(axes: readonly Axis[], flipped: (axis: number) => boolean = () => false): Table {
  const [outs, window] = [axes.map((a) => a.out), axes.map((a) => a.window)];
  const [rows, places] = [sizeOf(outs), sizeOf(window)];
  const [outSteps, windowSteps] = [rowMajor(outs), rowMajor(window)];
  const entries: number[] = [];
  for (let p = 0; p < rows; p++) {
    const at = axes.map((a, d) => Math.floor(p / outSteps[d]) % a.out);
    entries.push(axes.reduce((n, a, d) => n + at[d] * a.outStep, 0));
    for (let w = 0; w < places; w++) {
      let offset = 0;
      axes.forEach((a, d) => {
        const place = Math.floor(w / windowSteps[d]) % a.window;
        const spread = at[d] * a.stride + (flipped(d) ? a.window - 1 - place : place) * a.windowDilation - a.low;
        const i = spread / a.dilation;
        if (spread < 0 || !Number.isInteger(i) || i >= a.size) offset = OUTSIDE;
        else if (offset >= 0) offset += i * a.step;
      });
      entries.push(offset);
    }
  }
  return { rows, places, entries };
}
