/** The lines of an array along one axis: elements of a line lie a stride apart, and neighbouring lines lie side by side, so that vectors hold several. */
import type { Shape } from "../../../core/aval.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";

export interface Lines {
  /** Elements of a line. */
  readonly length: number;
  /** Lines side by side: elements from one place of a line to the next. */
  readonly inner: number;
  readonly outer: number;
}

export function linesOf(shape: Shape, axis: number): Lines {
  const size = (dims: Shape): number => dims.reduce((n, d) => n * d, 1);
  return { length: shape[axis], inner: size(shape.slice(axis + 1)), outer: size(shape.slice(0, axis)) };
}

/** Calls `inside` for each group of up to `width` lines, with the number of the place at which they begin: o * inner + j, for arrays of one element a line. */
export function eachGroup(
  f: FunctionBuilder,
  { inner, outer }: Lines,
  width: number,
  inside: (o: Local, j: Local, count: number) => void,
): void {
  const [o, j] = [f.local("i32"), f.local("i32")];
  const full = inner - (inner % width);
  f.forRange(o, 0, outer, 1, () => {
    if (full > 0)
      f.forRange(j, 0, full, width, () => {
        inside(o, j, width);
      });
    if (full < inner) {
      f.i32(full).set(j);
      inside(o, j, inner - full);
    }
  });
}

/** A new local with the address of place j of line group o, in an array whose lines have `length` elements of so many bytes. */
export function groupAddress(
  f: FunctionBuilder,
  base: Local,
  [o, j]: readonly [Local, Local],
  { inner }: Lines,
  length: number,
  bytes: number,
): Local {
  const at = f.local("i32");
  f.get(o)
    .i32(length * inner)
    .op("i32.mul")
    .get(j)
    .op("i32.add")
    .i32(bytes)
    .op("i32.mul")
    .get(base)
    .op("i32.add")
    .set(at);
  return at;
}
