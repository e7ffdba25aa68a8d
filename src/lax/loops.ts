/** The loops: `scan` and `map`, `whileLoop`, `foriLoop`. */
export { foriLoop, type ForiLoopOptions } from "./foriLoop.ts";
export type { ScanCheckpoint } from "./loopCheckpoint.ts";
export { map, scan, type ScanOptions } from "./scan.ts";
export { whileLoop, type WhileLoopOptions } from "./whileLoop.ts";
