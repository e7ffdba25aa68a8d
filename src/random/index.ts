/** The public names of random. */
export * from "./keys.ts";
