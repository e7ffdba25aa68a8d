/** The public names of lax. */
export * from "./associativeScan.ts";
export * from "./conditionals.ts";
export * from "./conv.ts";
export * from "./dot.ts";
export * from "./elementwise.ts";
export * from "./fft.ts";
export * from "./gather.ts";
export * as linalg from "./linalg.ts";
export * from "./loops.ts";
export * from "./shape.ts";
export * from "./slicing.ts";
export * from "./sort.ts";
export * from "./reduce.ts";
export * from "./window.ts";
export * from "./shapes.ts";
