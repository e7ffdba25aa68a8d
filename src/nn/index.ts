/** The public names of nn. */
export * from "./activations.ts";
export * from "./attention.ts";
export * as initializers from "./initializers.ts";
export * from "./normalize.ts";
export { tanh } from "../numpy/ufuncs.ts";
