/** The public names of lax. */
export * from "./slicing.ts";
