/** Expressions of float64, for mathematics that goes number by number: each writes the instructions that leave its value on the stack. */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { PlainOp } from "../encode/opcodes.ts";
import type { Callable } from "../encode/module.ts";

export type Expr = (f: FunctionBuilder) => void;
/** Expressions, or constants. */
type Term = Expr | number;

const push = (f: FunctionBuilder, x: Term): void => {
  if (typeof x === "number") f.f64(x);
  else x(f);
};

const instruction =
  (op: PlainOp) =>
  (...args: readonly Term[]): Expr =>
  (f) => {
    for (const a of args) push(f, a);
    f.op(op);
  };

/** From the left to the right, as in JavaScript. */
const chained =
  (op: PlainOp) =>
  (first: Term, ...rest: readonly Term[]): Expr =>
  (f) => {
    push(f, first);
    for (const x of rest) {
      push(f, x);
      f.op(op);
    }
  };

export const add = chained("f64.add");
export const sub = chained("f64.sub");
export const mul = chained("f64.mul");
export const div = instruction("f64.div");
export const neg = instruction("f64.neg");
export const abs = instruction("f64.abs");
export const sqrt = instruction("f64.sqrt");
export const floor = instruction("f64.floor");
export const copysign = instruction("f64.copysign");
export const lt = instruction("f64.lt");
export const le = instruction("f64.le");
export const gt = instruction("f64.gt");
export const eq = instruction("f64.eq");
export const both = instruction("i32.and");

export const call =
  (fn: Callable, ...args: readonly Term[]): Expr =>
  (f) => {
    for (const a of args) push(f, a);
    f.call(fn);
  };

/** One of two values; only that one is computed. */
export const choice =
  (condition: Expr, yes: Term, no: Term): Expr =>
  (f) => {
    condition(f);
    f.if(
      () => {
        push(f, yes);
      },
      () => {
        push(f, no);
      },
      "f64",
    );
  };

/** A variable of a function. */
export interface Variable {
  readonly get: Expr;
  readonly set: (value: Term) => void;
}

/** The parameters and variables of the function that is written. */
export class ScalarCode {
  readonly f: FunctionBuilder;

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  argument(index: Local): Expr {
    return (f) => f.get(index);
  }

  variable(value: Term): Variable {
    const local = this.f.local("f64");
    const set = (x: Term): void => {
      push(this.f, x);
      this.f.set(local);
    };
    set(value);
    return { get: (f) => f.get(local), set };
  }

  /** A value that is computed here, once. */
  value(x: Term): Expr {
    return this.variable(x).get;
  }

  /** Does `body` for n = 1, 2, ... until its condition doesn't hold, at most `most` times. */
  repeat(most: number, body: (n: Expr) => Expr): void {
    const { f } = this;
    const n = this.variable(0);
    f.loop((again) => {
      n.set(add(n.get, 1));
      both(body(n.get), lt(n.get, most))(f);
      f.brIf(again);
    });
  }

  result(x: Term): void {
    push(this.f, x);
  }

  /** If the condition holds, the value is this one, at once. */
  resultIf(condition: Expr, x: Term): void {
    this.branch(condition, () => x);
  }

  /** The same for what takes more than an expression. */
  branch(condition: Expr, value: () => Term): void {
    const { f } = this;
    condition(f);
    f.if(() => {
      push(f, value());
      f.op("return");
    });
  }
}
