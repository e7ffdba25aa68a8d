/** The loops: `scan` and `map`, `whileLoop`, `foriLoop`. */
export { foriLoop } from "./foriLoop.ts";
export type { ScanCheckpoint } from "./loopCheckpoint.ts";
export { map, scan, type ScanOptions } from "./scan.ts";
export { whileLoop } from "./whileLoop.ts";
