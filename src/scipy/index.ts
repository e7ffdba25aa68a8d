/** The public names of scipy. */
export * as special from "./special.ts";
