/** Loops over counts and addresses, and fields of argument blocks, as the routines of the runtime write them. */
import type { FunctionBuilder, Label, Local } from "../encode/function.ts";

/** Runs `body` `count` times; the count is a local, and zero afterwards. */
export function repeat(f: FunctionBuilder, count: Local, body: () => void): void {
  f.get(count).if(() => {
    f.loop((again) => {
      body();
      f.get(count).i32(1).op("i32.sub").tee(count).brIf(again);
    });
  });
}

/** x += n. */
export const advance = (f: FunctionBuilder, x: Local, n: number): FunctionBuilder =>
  f.get(x).i32(n).op("i32.add").set(x);

/** x += y. */
export const advanceBy = (f: FunctionBuilder, x: Local, y: Local): FunctionBuilder =>
  f.get(x).get(y).op("i32.add").set(x);

/** Pushes x * y. */
export const product = (f: FunctionBuilder, x: Local, y: Local): FunctionBuilder => f.get(x).get(y).op("i32.mul");

/** Pushes the smaller of what two functions push; both are pushed twice, and are signed. */
export function smaller(f: FunctionBuilder, x: () => void, y: () => void): FunctionBuilder {
  x();
  y();
  x();
  y();
  return f.op("i32.lt_s", "select");
}

/** Runs `body` while x < end (signed); the body moves x. */
export function whileBelow(f: FunctionBuilder, x: Local, end: Local, body: (done: Label) => void): void {
  f.block((done) => {
    f.get(x).get(end).op("i32.ge_s").brIf(done);
    f.loop((again) => {
      body(done);
      f.get(x).get(end).op("i32.lt_s").brIf(again);
    });
  });
}

/** A new local that holds the i32 at `base` + `offset`. */
export function loaded(f: FunctionBuilder, base: Local, offset: number): Local {
  const x = f.local("i32");
  f.get(base).mem("i32.load", offset).set(x);
  return x;
}
