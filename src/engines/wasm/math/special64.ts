/**
 * Special functions of float64, number by number: the series, continued fractions and recursions of the js engine in the same order, so that the bits are
 * the same, too. (Where that sums ten thousand times NaN, this stops at the first.)
 */
import { BERNOULLI, LANCZOS } from "../../../primitives/gammaSeries.ts";
import type { FunctionBuilder } from "../encode/function.ts";
import type { Callable } from "../encode/module.ts";
import {
  abs,
  add,
  both,
  call,
  choice,
  copysign,
  div,
  eq,
  floor,
  gt,
  le,
  lt,
  mul,
  neg,
  ScalarCode,
  sqrt,
  sub,
  type Expr,
} from "./scalarCode.ts";

type Special = "erf" | "erfc" | "erf_inv" | "lgamma" | "digamma" | "bessel_i0e" | "bessel_i1e";
/** The other functions: these, and those of JavaScript's. */
export type Functions = (name: Special | "exp" | "log" | "sin" | "tan") => Callable;
type Emit = (s: ScalarCode, x: Expr, fn: Functions) => void;

const EPSILON = 2 ** -53;
const TINY = 1e-300;
const MOST = 9999;

/** The sum of terms that shrink in the end. */
function series(s: ScalarCode, first: Expr | number, next: (term: Expr, n: Expr) => Expr): Expr {
  const sum = s.variable(first);
  const term = s.variable(sum.get);
  s.repeat(MOST, (n) => {
    term.set(next(term.get, n));
    sum.set(add(sum.get, term.get));
    return gt(abs(term.get), mul(abs(sum.get), EPSILON));
  });
  return sum.get;
}

const notZero = (x: Expr): Expr => choice(eq(x, 0), TINY, x);

const erf: Emit = (s, x, fn) => {
  s.resultIf(gt(abs(x), 2.2), copysign(sub(1, call(fn("erfc"), abs(x))), x));
  const sum = series(s, x, (term, n) => div(mul(term, 2, x, x), add(mul(2, n), 1)));
  s.result(mul(2 / Math.sqrt(Math.PI), call(fn("exp"), mul(neg(x), x)), sum));
};

/** Lentz's evaluation of the continued fraction x + (1/2)/(x + (2/2)/(x + ...)). */
const erfc: Emit = (s, x, fn) => {
  s.resultIf(lt(x, 2.2), sub(1, call(fn("erf"), x)));
  s.resultIf(gt(x, 27), 0);
  const [value, c, d] = [s.variable(x), s.variable(x), s.variable(0)];
  s.repeat(MOST, (n) => {
    const a = div(n, 2);
    d.set(add(x, mul(a, d.get)));
    c.set(add(x, div(a, c.get)));
    d.set(div(1, notZero(d.get)));
    c.set(notZero(c.get));
    const factor = s.value(mul(c.get, d.get));
    value.set(mul(value.get, factor));
    return gt(abs(sub(factor, 1)), EPSILON);
  });
  s.result(div(call(fn("exp"), mul(neg(x), x)), mul(Math.sqrt(Math.PI), value.get)));
};

const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

const polynomial = (p: readonly number[], x: Expr): Expr =>
  p.slice(1).reduce<Expr>(
    (acc, a) => add(mul(acc, x), a),
    (f) => f.f64(p[0]),
  );

/** A first guess by Giles's polynomials, then Newton's method. */
const erfInv: Emit = (s, y, fn) => {
  s.resultIf(eq(abs(y), 1), mul(y, Infinity));
  s.resultIf(gt(abs(y), 1), NaN);
  const w = s.value(neg(call(fn("log"), mul(sub(1, y), add(1, y)))));
  const [centre, tail] = [s.value(sub(w, 2.5)), s.value(sub(sqrt(w), 3))];
  const x = s.variable(mul(y, choice(lt(w, 5), polynomial(CENTRE, centre), polynomial(TAIL, tail))));
  s.repeat(3, () => {
    const slope = s.value(mul(2 / Math.sqrt(Math.PI), call(fn("exp"), mul(neg(x.get), x.get))));
    const near = sub(call(fn("erf"), x.get), y);
    // Near the ends the difference of complements keeps the digits.
    const far = mul(copysign(1, y), sub(1, abs(y), call(fn("erfc"), abs(x.get))));
    const error = s.value(choice(lt(abs(y), 0.9), near, far));
    x.set(choice(eq(slope, 0), x.get, sub(x.get, div(error, add(slope, mul(error, x.get))))));
    return gt(slope, 0);
  });
  s.result(x.get);
};

/** log |gamma(x)|, by Lanczos's approximation, and by reflection for x < 1/2. */
const lgamma: Emit = (s, x, fn) => {
  s.resultIf(eq(abs(x), Infinity), Infinity);
  s.resultIf(both(le(x, 0), eq(floor(x), x)), Infinity);
  s.resultIf(
    lt(x, 0.5),
    sub(call(fn("log"), div(Math.PI, abs(call(fn("sin"), mul(Math.PI, x))))), call(fn("lgamma"), sub(1, x))),
  );
  s.resultIf(eq(x, 1), 0);
  s.resultIf(eq(x, 2), 0);
  const z = s.value(sub(x, 1));
  const sum = s.value(add(0.99999999999980993, ...LANCZOS.map((c, i) => div(c, add(z, i, 1)))));
  const t = s.value(add(z, 7.5));
  const power = mul(add(z, 0.5), call(fn("log"), t));
  s.result(add(sub(add(0.5 * Math.log(2 * Math.PI), power), t), call(fn("log"), sum)));
};

const digamma: Emit = (s, x, fn) => {
  s.resultIf(both(le(x, 0), eq(floor(x), x)), NaN);
  s.resultIf(lt(x, 0), sub(call(fn("digamma"), sub(1, x)), div(Math.PI, call(fn("tan"), mul(Math.PI, x)))));
  const [y, sum] = [s.variable(x), s.variable(0)];
  s.repeat(13, () => {
    const small = s.value(choice(lt(y.get, 12), 1, 0));
    sum.set(choice(eq(small, 0), sum.get, sub(sum.get, div(1, y.get))));
    y.set(add(y.get, small));
    return gt(small, 0);
  });
  const square = s.value(mul(y.get, y.get));
  const term = s.variable(0);
  BERNOULLI.map((b, k) => b / (2 * k + 2))
    .toReversed()
    .forEach((b) => {
      term.set(div(add(term.get, b), square));
    });
  s.result(sub(add(sum.get, call(fn("log"), y.get)), div(0.5, y.get), term.get));
};

/** The modified Bessel functions of order 0 and 1, times e^-|x|. */
const besselIe =
  (order: 0 | 1): Emit =>
  (s, x, fn) => {
    const a = s.value(abs(x));
    const signed = (value: Expr): Expr => (order === 1 ? mul(choice(lt(x, 0), -1, 1), value) : value);
    s.branch(le(a, 30), () => {
      const first = order === 0 ? 1 : s.value(div(a, 2));
      const sum = series(s, first, (term, n) => div(mul(term, a, a), mul(mul(4, n), add(n, order))));
      return mul(signed(call(fn("exp"), neg(a))), sum);
    });
    const sum = series(s, 1, (term, n) => {
      const odd = sub(mul(2, n), 1);
      return div(mul(neg(term), sub(4 * order * order, mul(odd, odd))), mul(mul(n, 8), a));
    });
    s.result(div(signed(sum), sqrt(mul(2 * Math.PI, a))));
  };

const functions: Readonly<Record<Special, Emit>> = {
  erf,
  erfc,
  erf_inv: erfInv,
  lgamma,
  digamma,
  bessel_i0e: besselIe(0),
  bessel_i1e: besselIe(1),
};

/** The names of the functions. */
export const specialFunctions = Object.keys(functions) as readonly Special[];
export type SpecialFunction = Special;

/** Writes the function: from float64 to float64. */
export function emitSpecial(f: FunctionBuilder, name: Special, fn: Functions): void {
  const s = new ScalarCode(f);
  functions[name](s, s.argument(0), fn);
}
