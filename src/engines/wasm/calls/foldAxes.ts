/**
 * The loops of a fold along axes: over the places of the result, and for each over the elements that it folds, in row-major order. Where the last axis
 * stays, neighbouring results are taken side by side in vectors.
 */
import type { Shape } from "../../../core/aval.ts";
import { rowMajor } from "../../../compile/view.ts";
import { remaining } from "../../../primitives/axes.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";

interface Dim {
  readonly size: number;
  /** Elements from one place to the next. */
  readonly stride: number;
}

/** Neighbouring results. */
export interface Group {
  readonly count: number;
  /** The row-major number of the first of them among the results. */
  readonly place: Local;
  /** Calls `inside` with the row-major number of each element that is folded to the first of them. */
  readonly eachElement: (inside: (at: Local) => void) => void;
}

/** The given dimensions, those that lie in one run as one. */
function dimsOf(shape: Shape, axes: readonly number[]): Dim[] {
  const strides = rowMajor(shape);
  const out: Dim[] = [];
  for (const d of axes) {
    const next = { size: shape[d], stride: strides[d] };
    const last = out[out.length - 1];
    if (last !== undefined && last.stride === next.size * next.stride)
      out[out.length - 1] = { size: last.size * next.size, stride: next.stride };
    else if (next.size > 1) out.push(next);
  }
  return out;
}

const increase = (f: FunctionBuilder, x: Local, by: number): void => {
  f.get(x).i32(by).op("i32.add").set(x);
};

/** The loops over dimensions; `inside` gets the number of each place. */
function eachPlace(f: FunctionBuilder, dims: readonly Dim[], from: Local, inside: (at: Local) => void): void {
  if (dims.length === 0) {
    inside(from);
    return;
  }
  const [{ size, stride }, ...rest] = dims;
  const [i, at] = [f.local("i32"), f.local("i32")];
  f.get(from).set(at);
  f.forRange(i, 0, size, 1, () => {
    eachPlace(f, rest, at, inside);
    increase(f, at, stride);
  });
}

/** Calls `inside` for each group of up to `width` results. */
export function eachFold(
  f: FunctionBuilder,
  shape: Shape,
  axes: readonly number[],
  width: number,
  inside: (group: Group) => void,
): void {
  const kept = dimsOf(shape, remaining(shape.length, axes));
  const folded = dimsOf(
    shape,
    axes.toSorted((a, b) => a - b),
  );
  const side = kept.at(-1)?.stride === 1 ? (kept.pop() as Dim).size : 1;
  const [start, place, j] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.i32(0).set(start).i32(0).set(place);
  eachPlace(f, kept, start, (at) => {
    const from = f.local("i32");
    f.get(at).set(from);
    const group = (count: number): void => {
      const eachElement: Group["eachElement"] = (element) => {
        eachPlace(f, folded, from, element);
      };
      inside({ count, place, eachElement });
      increase(f, from, count);
      increase(f, place, count);
    };
    const full = side - (side % width);
    if (full > 0)
      f.forRange(j, 0, full, width, () => {
        group(width);
      });
    if (full < side) group(side - full);
  });
}

/** A new local with the address of an element by its number. */
export function elementAt(f: FunctionBuilder, base: Local, place: Local, bytes: number): Local {
  const at = f.local("i32");
  f.get(place).i32(bytes).op("i32.mul").get(base).op("i32.add").set(at);
  return at;
}
