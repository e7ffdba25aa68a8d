/** The public names of nn. */
export * from "./activations.ts";
export * from "./normalize.ts";
