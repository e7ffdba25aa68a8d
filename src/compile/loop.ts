/**
 * Loop kernels: one pass over a box of places, that computes a DAG of scalar expressions at each of them. Values are read by affine accesses;
 * what must exist in memory is stored, everything else lives in registers; reductions fold the values of an expression over some of the
 * dimensions as the pass goes.
 *
 * The box has no dimensions of length 1: places are told apart by their row-major number, so that a reshape costs nothing.
 */
import type { DType } from "../core/dtype.ts";
import type { Eqn, Params } from "../core/jaxpr.ts";
import type { Buffer } from "./program.ts";
import type { Fill, Guard } from "./view.ts";

/** An affine read of a buffer: at place (i, j, ...) the element `offset + i * strides[0] + ...`, in elements; `fill` outside of the guards. */
export interface Access {
  readonly buffer: Buffer;
  readonly strides: readonly number[];
  readonly offset: number;
  readonly guards: readonly Guard[];
  readonly fill: Fill | null;
}

/** A scalar expression; `args` are places of earlier nodes. */
export type Node =
  | { readonly kind: "load"; readonly dtype: DType; readonly access: Access }
  | { readonly kind: "constant"; readonly dtype: DType; readonly value: Fill }
  /** offset + i * strides[0] + ...: the number of the place, in some order. */
  | { readonly kind: "index"; readonly dtype: DType; readonly strides: readonly number[]; readonly offset: number }
  | {
      readonly kind: "op";
      readonly dtype: DType;
      readonly name: string;
      /** Computed again rather than kept; see `Primitive`. */
      readonly cheap: boolean;
      readonly args: readonly number[];
      readonly params: Params;
    };

/** The values of a node, written to a buffer in row-major order, or by strides. */
export interface Store {
  readonly node: number;
  readonly buffer: Buffer;
  /** Null: the place's row-major number. */
  readonly strides: readonly number[] | null;
  readonly offset: number;
}

export type Fold = "sum" | "prod" | "max" | "min" | "and" | "or" | "xor";

/** What the primitives of reductions fold by. */
export const folds: Readonly<Record<string, Fold>> = {
  reduce_sum: "sum",
  reduce_prod: "prod",
  reduce_max: "max",
  reduce_min: "min",
  reduce_and: "and",
  reduce_or: "or",
  reduce_xor: "xor",
};

/** The values of a node folded over the kernel's reduced dimensions, to a buffer in row-major order of the others. */
export interface Reduction {
  readonly fold: Fold;
  readonly node: number;
  readonly buffer: Buffer;
}

export interface LoopKernel {
  readonly kind: "loop";
  readonly space: readonly number[];
  /** For each dimension of the space, whether reductions fold it. */
  readonly reduced: readonly boolean[];
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  readonly reductions: readonly Reduction[];
  /** The equations that it computes. */
  readonly eqns: readonly Eqn[];
}

/**
 * The order in which floats are added is part of the contract of all engines, since it decides the bits: it follows from the shape, the axes and
 * the dtype alone. Dimensions of length 1 are dropped and neighbours of the same kind (folded or kept) merged. If the last dimension is folded,
 * each run along it is cut into blocks of `BLOCK` elements; element j of a block goes to accumulator j mod `LANES`, and the accumulators are
 * combined pairwise as a tree. Everything else (blocks of a run, runs, kept last dimensions) is added one after another in row-major order,
 * from the neutral element on.
 */
export const BLOCK = 16384;

/** How many accumulators a block has: four vectors of 128 bits. */
export const lanesOf = (bytes: number): number => (bytes === 8 ? 8 : 16);
