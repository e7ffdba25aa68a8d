/**
 * The inverse error function in float32, by the polynomials of M. Giles (Approximating the erfinv function, 2010), rounded as XLA on CPU rounds
 * them: each step of the polynomial is a fused multiply-add. Normal random numbers are made by it, and so they are JAX's (but for one in
 * a hundred, where XLA's logarithm differs in the last bit).
 */
const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
].map(Math.fround);
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
].map(Math.fround);

/** erf⁻¹(x) for a float32 number x. */
export function erfInvSingle(x: number): number {
  if (Math.abs(x) === 1) return x * Infinity;
  const w = Math.fround(-Math.fround(Math.log1p(Math.fround(x * -x))));
  const central = w < 5;
  const z = central ? Math.fround(w - 2.5) : Math.fround(Math.fround(Math.sqrt(w)) - 3);
  // a product of two floats is exact in float64, so that rounding the sum is a fused multiply-add
  const p = (central ? CENTRE : TAIL).reduce((acc, c) => Math.fround(c + acc * z), 0);
  return Math.fround(p * x);
}
