/** The public names of random. */
export * from "./choosing.ts";
export * from "./distributions.ts";
export * from "./keys.ts";
export { lognormal, normal, truncatedNormal } from "./normal.ts";
export { randint, uniform } from "./uniform.ts";
