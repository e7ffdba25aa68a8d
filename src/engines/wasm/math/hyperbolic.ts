/** Hyperbolic functions and their inverses, by exponentials and logarithms in float64; by series where these would cancel. */
import type { Local } from "../encode/function.ts";
import { polynomial64, type MathContext, type VectorMath } from "./context.ts";
import { choose, exp64, inDouble, log64, withSign64 } from "./double.ts";

const unary =
  (emit: (c: MathContext, x: Local) => void): VectorMath =>
  (c, x) => {
    inDouble(c, [x], ([wide]) => {
      emit(c, wide);
    });
  };

/** An odd function, by what it is of |x|. */
const odd = (emit: (c: MathContext, magnitude: Local) => void): VectorMath =>
  unary((c, x) => {
    c.f.get(x).op("f64x2.abs");
    emit(c, c.keep());
    withSign64(c, c.keep(), x);
  });

/** (sinh(x) / x - 1) / x^2 as a polynomial of x^2, for |x| <= 1: 9e-14. */
const SINH = [
  0.16666666667069514, 0.0083333332763013928, 0.00019841296057953822, 2.7552062500657919e-6, 2.5529887550495556e-8,
];

/** Pushes half of exp(x), and what is added to or taken from it: half of exp(-x). */
function halves(c: MathContext, x: Local): void {
  const { f } = c;
  exp64(c, x);
  const e = c.keep();
  f.get(e).get(c.f64(0.5)).op("f64x2.mul").get(c.f64(0.5)).get(e).op("f64x2.div");
}

const sinh = odd((c, x) => {
  const { f } = c;
  halves(c, x);
  f.op("f64x2.sub");
  const far = c.keep();
  f.get(x).get(x).op("f64x2.mul");
  const z = c.keep();
  polynomial64(c, z, SINH);
  f.get(z).op("f64x2.mul").get(x).op("f64x2.mul").get(x).op("f64x2.add");
  const near = c.keep();
  f.get(x).get(c.f64(1)).op("f64x2.lt");
  choose(c, c.keep(), near, far);
});

const cosh = unary((c, x) => {
  halves(c, x);
  c.f.op("f64x2.add");
});

/** Below this, x plus a third-order term is good to 13 digits. */
const NEAR = 2 ** -10;

/** Pushes `far`, or x + third x^3 near 0. */
function nearZero(c: MathContext, x: Local, far: Local, third: number): void {
  const { f } = c;
  f.get(x).get(x).op("f64x2.mul").get(x).op("f64x2.mul").get(c.f64(third)).op("f64x2.mul").get(x).op("f64x2.add");
  const near = c.keep();
  f.get(x).get(c.f64(NEAR)).op("f64x2.lt");
  choose(c, c.keep(), near, far);
}

const asinh = odd((c, x) => {
  const { f } = c;
  f.get(x).get(x).op("f64x2.mul").get(c.f64(1)).op("f64x2.add", "f64x2.sqrt").get(x).op("f64x2.add");
  log64(c, c.keep());
  nearZero(c, x, c.keep(), -1 / 6);
});

const acosh = unary((c, x) => {
  const { f } = c;
  // Two roots rather than one of the product: below 1 they are NaN.
  f.get(x).get(c.f64(1)).op("f64x2.sub", "f64x2.sqrt").get(x).get(c.f64(1)).op("f64x2.add", "f64x2.sqrt", "f64x2.mul");
  f.get(x).op("f64x2.add");
  log64(c, c.keep());
});

const atanh = odd((c, x) => {
  const { f } = c;
  f.get(c.f64(1)).get(x).op("f64x2.add").get(c.f64(1)).get(x).op("f64x2.sub", "f64x2.div");
  log64(c, c.keep());
  f.get(c.f64(0.5)).op("f64x2.mul");
  nearZero(c, x, c.keep(), 1 / 3);
});

export const hyperbolic = { sinh, cosh, asinh, acosh, atanh } as const satisfies Record<string, VectorMath>;
