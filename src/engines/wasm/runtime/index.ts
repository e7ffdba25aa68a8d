/**
 * The runtime of the wasm engine: routines that all programs share. A routine is planned from shapes (`gemm`, `conv`), which gives its name, an argument block
 * without pointers, the number of units of work and the bytes of workspace. To run it, write the block into memory, patch its four pointers (out,
 * lhs, rhs, workspace: the first four words, in this order) and call `routine(address, 0, units)`.
 *
 * Units may be split among threads: each calls the routine with a range of its own. A plan made for n slots has workspace for n ranges of
 * `slotUnits` units each, [0, slotUnits), [slotUnits, 2 * slotUnits) and so on; ranges that run at the same time must begin in different slots.
 */
export { head as blockFields, placeBlock, type Pointers, type RuntimeCall } from "./arguments.ts";
export { conv, type ConvOperand, type ConvShape } from "./conv.ts";
export { gemm, type BatchAxis, type GemmShape } from "./gemm.ts";
export { reduceWindow, selectAndGather, selectAndScatter } from "./pooling.ts";
export { hasFused, runtimeBytes, runtimeModule, runtimeRoutines, type RuntimeOptions } from "./runtimeModule.ts";
