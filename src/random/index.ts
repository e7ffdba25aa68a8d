/** The public names of random. */
export { binomial, multinomial } from "./binomial.ts";
export * from "./choosing.ts";
export * from "./distributions.ts";
export {
  ball,
  beta,
  chisquare,
  dirichlet,
  f,
  gamma,
  generalizedNormal,
  loggamma,
  poisson,
  t,
  type BallOptions,
} from "./gamma.ts";
export * from "./keys.ts";
export { multivariateNormal, orthogonal, type MultivariateNormalOptions, type OrthogonalOptions } from "./matrices.ts";
export { lognormal, normal, truncatedNormal } from "./normal.ts";
export { randint, uniform } from "./uniform.ts";
