/** The numbers of the series by which the engines compute log gamma and its derivative: the same ones, so that their bits are the same. */

/** Lanczos's coefficients for g = 7 and nine terms, but for the first, which is close to 1. */
export const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The Bernoulli numbers B2, B4, ... */
export const BERNOULLI = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];
