/**
 * How gather and scatter name the parts of their operands (XLA's dimension numbers). A gather reads one window of the operand for each
 * index vector; the dimensions of the output are those of the indices (batch) and those of the windows (offset), interleaved as
 * `offsetDims` says. A scatter is the same picture with the arrows turned around. The last axis of the indices always holds the vectors.
 */
import type { ShapedArray } from "../core/aval.ts";
import { RematTypeError, RematValueError } from "../errors.ts";

/** What a gather or scatter does with windows that do not lie in the operand. */
export type GatherScatterMode = "CLIP" | "FILL_OR_DROP" | "PROMISE_IN_BOUNDS" | "ONE_HOT";

/** Modes as users write them; `null` is the default of the operation. */
export type ModeLike = "clip" | "fill" | "drop" | "promise_in_bounds" | "one_hot" | GatherScatterMode | null;

/** Reads a mode: `fill` and `drop` are one mode, which is also what nothing means. */
export function parseMode(mode: ModeLike | undefined): GatherScatterMode {
  switch (mode) {
    case undefined:
    case null:
    case "fill":
    case "drop":
    case "FILL_OR_DROP":
      return "FILL_OR_DROP";
    case "clip":
    case "CLIP":
      return "CLIP";
    case "promise_in_bounds":
    case "PROMISE_IN_BOUNDS":
      return "PROMISE_IN_BOUNDS";
    case "one_hot":
    case "ONE_HOT":
      return "ONE_HOT";
    default:
      throw new RematValueError(
        `a mode for indices out of bounds was asked for: Unknown gather mode "${String(mode)}".\n` +
          'Modes are "fill" (or "drop"), "clip", "promise_in_bounds" and "one_hot".',
      );
  }
}

type Dims = readonly number[];

export interface GatherDimensionNumbers {
  /** The output's axes that run through a window. */
  readonly offsetDims: Dims;
  /** The operand's axes of window size 1 that the output lacks. */
  readonly collapsedSliceDims: Dims;
  /** For each component of an index vector, the operand's axis that it indexes. */
  readonly startIndexMap: Dims;
  /** The operand's axes that run along with axes of the indices. */
  readonly operandBatchingDims: Dims;
  /** The indices' axes that run along with those. */
  readonly startIndicesBatchingDims: Dims;
}

export interface ScatterDimensionNumbers {
  /** The updates' axes that run through a window. */
  readonly updateWindowDims: Dims;
  /** The operand's axes of window size 1 that the updates lack. */
  readonly insertedWindowDims: Dims;
  /** For each component of an index vector, the operand's axis that it indexes. */
  readonly scatterDimsToOperandDims: Dims;
  readonly operandBatchingDims: Dims;
  readonly scatterIndicesBatchingDims: Dims;
}

/** Fills in the batching dimensions, which are empty by default. */
export const gatherDims = (
  d: Omit<GatherDimensionNumbers, "operandBatchingDims" | "startIndicesBatchingDims"> & Partial<GatherDimensionNumbers>,
): GatherDimensionNumbers => ({
  offsetDims: d.offsetDims,
  collapsedSliceDims: d.collapsedSliceDims,
  startIndexMap: d.startIndexMap,
  operandBatchingDims: d.operandBatchingDims ?? [],
  startIndicesBatchingDims: d.startIndicesBatchingDims ?? [],
});

/** Fills in the batching dimensions, which are empty by default. */
export const scatterDims = (
  d: Omit<ScatterDimensionNumbers, "operandBatchingDims" | "scatterIndicesBatchingDims"> &
    Partial<ScatterDimensionNumbers>,
): ScatterDimensionNumbers => ({
  updateWindowDims: d.updateWindowDims,
  insertedWindowDims: d.insertedWindowDims,
  scatterDimsToOperandDims: d.scatterDimsToOperandDims,
  operandBatchingDims: d.operandBatchingDims ?? [],
  scatterIndicesBatchingDims: d.scatterIndicesBatchingDims ?? [],
});

/** The scatter that writes where a gather reads. */
export const gatherToScatter = (d: GatherDimensionNumbers): ScatterDimensionNumbers => ({
  updateWindowDims: d.offsetDims,
  insertedWindowDims: d.collapsedSliceDims,
  scatterDimsToOperandDims: d.startIndexMap,
  operandBatchingDims: d.operandBatchingDims,
  scatterIndicesBatchingDims: d.startIndicesBatchingDims,
});

/** The gather that reads where a scatter writes. */
export const scatterToGather = (d: ScatterDimensionNumbers): GatherDimensionNumbers => ({
  offsetDims: d.updateWindowDims,
  collapsedSliceDims: d.insertedWindowDims,
  startIndexMap: d.scatterDimsToOperandDims,
  operandBatchingDims: d.operandBatchingDims,
  startIndicesBatchingDims: d.scatterIndicesBatchingDims,
});

/** The window sizes of a scatter, one for each axis of the operand. */
export function windowSizes(rank: number, updatesShape: Dims, d: ScatterDimensionNumbers): number[] {
  const sizes: number[] = [];
  let at = 0;
  for (let i = 0; i < rank; i++) {
    const single = d.insertedWindowDims.includes(i) || d.operandBatchingDims.includes(i);
    sizes.push(single ? 1 : updatesShape[d.updateWindowDims[at++]]);
  }
  return sizes;
}

const tuple = (xs: Dims): string => (xs.length === 1 ? `(${xs[0]},)` : `(${xs.join(", ")})`);

/** As JAX prints it. */
export const printGatherDims = (d: GatherDimensionNumbers): string =>
  `GatherDimensionNumbers(offset_dims=${tuple(d.offsetDims)}, collapsed_slice_dims=${tuple(d.collapsedSliceDims)}, ` +
  `start_index_map=${tuple(d.startIndexMap)}, operand_batching_dims=${tuple(d.operandBatchingDims)}, ` +
  `start_indices_batching_dims=${tuple(d.startIndicesBatchingDims)})`;

/** As JAX prints it. */
export const printScatterDims = (d: ScatterDimensionNumbers): string =>
  `ScatterDimensionNumbers(update_window_dims=${tuple(d.updateWindowDims)}, inserted_window_dims=${tuple(d.insertedWindowDims)}, ` +
  `scatter_dims_to_operand_dims=${tuple(d.scatterDimsToOperandDims)}, operand_batching_dims=${tuple(d.operandBatchingDims)}, ` +
  `scatter_indices_batching_dims=${tuple(d.scatterIndicesBatchingDims)})`;

function fail(message: string): never {
  throw new RematTypeError(
    `${message}\nCheck the dimension numbers against the shapes of the operand and of the indices.`,
  );
}

function checkSorted(dims: Dims, op: string, name: string): void {
  for (let i = 1; i < dims.length; i++) {
    if (dims[i] < dims[i - 1]) fail(`${name} in ${op} op must be sorted; got ${tuple(dims)}`);
  }
}

function checkInRange(dims: Dims, rank: number, op: string, name: string): void {
  for (const d of dims) {
    if (d < 0 || d >= rank) fail(`Invalid ${name} set in ${op} op; valid range is [0, ${rank}); got: ${d}.`);
  }
}

function checkDistinct(dims: Dims, op: string, name: string): void {
  if (new Set(dims).size !== dims.length) fail(`${name} in ${op} op must not repeat; got: ${tuple(dims)}.`);
}

function checkDisjoint(a: Dims, b: Dims, op: string, nameA: string, nameB: string): void {
  if (a.some((d) => b.includes(d)))
    fail(`${nameA} and ${nameB} in ${op} op must be disjoint; got: ${tuple(a)} and ${tuple(b)}.`);
}

/** What gather and scatter check alike of the batching dimensions. */
function checkBatching(
  op: "Gather" | "Scatter",
  operand: ShapedArray,
  indices: ShapedArray,
  operandDims: Dims,
  indicesDims: Dims,
): void {
  const lower = op.toLowerCase();
  const name = op === "Gather" ? "start_indices_batching_dims" : "scatter_indices_batching_dims";
  checkDistinct(indicesDims, lower, name);
  checkInRange(indicesDims, indices.ndim, lower, name);
  if (indicesDims.includes(indices.ndim - 1)) {
    fail(`${op} op cannot have the index vector dimension as a batching dimension; got ${tuple(indicesDims)}.`);
  }
  if (operandDims.length !== indicesDims.length) {
    fail(
      `${op} op requires equal numbers of operand_batching_dims and ${name}, got ${tuple(operandDims)} and ${tuple(indicesDims)}.`,
    );
  }
  const a = operandDims.map((i) => operand.shape[i]);
  const b = indicesDims.map((i) => indices.shape[i]);
  if (a.some((n, i) => n !== b[i])) {
    fail(
      `${op} op requires operand batching dimensions and indices batching dimensions to have the same shape, got ${tuple(a)} and ${tuple(b)}.`,
    );
  }
}

/** Checks a gather and gives the shape of its output. */
export function gatherShape(
  operand: ShapedArray,
  indices: ShapedArray,
  d: GatherDimensionNumbers,
  sliceSizes: Dims,
): number[] {
  const rank = operand.ndim;
  const vectorDim = indices.ndim - 1;
  if (vectorDim < 0) {
    fail(
      `Gather index leaf dimension must be within [0, rank(indices) + 1). rank(indices) is ${indices.ndim} and gather index leaf ` +
        `dimension is ${vectorDim}.`,
    );
  }
  checkSorted(d.offsetDims, "gather", "offset_dims");
  checkDistinct(d.offsetDims, "gather", "offset_dims");
  const outRank = d.offsetDims.length + indices.ndim - 1;
  d.offsetDims.forEach((dim, i) => {
    if (dim < 0 || dim >= outRank) {
      fail(`Offset dimension ${i} in gather op is out of bounds; got ${dim}, but should have been in [0, ${outRank})`);
    }
  });
  if (d.startIndexMap.length !== indices.shape[vectorDim]) {
    fail(
      `Gather op has ${d.startIndexMap.length} elements in start_index_map and the bound of dimension index_vector_dim=${vectorDim} of ` +
        `indices is ${indices.shape[vectorDim]}. These two numbers must be equal.`,
    );
  }
  d.startIndexMap.forEach((dim, i) => {
    if (dim < 0 || dim >= rank) fail(`Invalid start_index_map; domain is [0, ${rank}), got: ${i}->${dim}.`);
  });
  checkDistinct(d.startIndexMap, "gather", "start_index_map");
  checkSorted(d.collapsedSliceDims, "gather", "collapsed_slice_dims");
  checkInRange(d.collapsedSliceDims, rank, "gather", "collapsed_slice_dims");
  checkDistinct(d.collapsedSliceDims, "gather", "collapsed_slice_dims");
  checkDistinct(d.operandBatchingDims, "gather", "operand_batching_dims");
  checkSorted(d.operandBatchingDims, "gather", "operand_batching_dims");
  checkInRange(d.operandBatchingDims, rank, "gather", "operand_batching_dims");
  checkDisjoint(d.collapsedSliceDims, d.operandBatchingDims, "gather", "collapsed_slice_dims", "operand_batching_dims");
  checkDisjoint(d.startIndexMap, d.operandBatchingDims, "gather", "start_index_map", "operand_batching_dims");
  checkBatching("Gather", operand, indices, d.operandBatchingDims, d.startIndicesBatchingDims);
  if (rank !== sliceSizes.length) {
    fail(
      `Gather op must have one slice size for every input dimension; got: len(slice_sizes)=${sliceSizes.length}, input_shape.rank=${rank}`,
    );
  }
  if (sliceSizes.length !== d.offsetDims.length + d.collapsedSliceDims.length + d.operandBatchingDims.length) {
    fail(
      "All components of the offset index in a gather op must either be a offset dimension or explicitly collapsed/batching; " +
        `got len(slice_sizes)=${sliceSizes.length}, output_slice_sizes=${tuple(d.offsetDims)}, ` +
        `collapsed_slice_dims=${tuple(d.collapsedSliceDims)}, operand_batching_dims=${tuple(d.operandBatchingDims)}.`,
    );
  }
  sliceSizes.forEach((size, i) => {
    const bound = operand.shape[i];
    if (indices.size > 0 && (size < 0 || size > bound)) {
      fail(`Slice size at index ${i} in gather op is out of range, must be within [0, ${bound} + 1), got ${size}.`);
    }
  });
  d.collapsedSliceDims.forEach((dim, i) => {
    if (sliceSizes[dim] !== 1) {
      fail(
        `Gather op can only collapse slice dims with bound 1, but bound is ${sliceSizes[dim]} for index ${dim} at position ${i}.`,
      );
    }
  });
  d.operandBatchingDims.forEach((dim, i) => {
    if (sliceSizes[dim] > 1) {
      fail(
        `Gather op can only have operand batching dims with bound 0/1, but bound is ${sliceSizes[dim]} for index ${dim} at position ${i}.`,
      );
    }
  });
  const window = sliceSizes.filter((_, i) => !d.collapsedSliceDims.includes(i) && !d.operandBatchingDims.includes(i));
  const batch = indices.shape.slice(0, -1);
  let w = 0;
  let b = 0;
  return Array.from({ length: outRank }, (_, i) => (d.offsetDims.includes(i) ? window[w++] : batch[b++]));
}

/** Checks a scatter; its output has the shape of the operand. */
export function checkScatter(
  operand: ShapedArray,
  indices: ShapedArray,
  updates: ShapedArray,
  d: ScatterDimensionNumbers,
): void {
  const rank = operand.ndim;
  const vectorDim = indices.ndim - 1;
  if (vectorDim < 0) {
    fail(
      `Scatter index leaf dimension must be within [0, rank(indices) + 1). rank(indices) is ${indices.ndim} and scatter index leaf ` +
        `dimension is ${vectorDim}.`,
    );
  }
  const expected = indices.ndim - 1 + d.updateWindowDims.length;
  if (updates.ndim !== expected) fail(`Updates tensor must be of rank ${expected}; got ${updates.ndim}.`);
  checkSorted(d.updateWindowDims, "scatter", "update_window_dims");
  checkDistinct(d.updateWindowDims, "scatter", "update_window_dims");
  checkInRange(d.updateWindowDims, updates.ndim, "scatter", "update_window_dims");
  checkSorted(d.insertedWindowDims, "scatter", "inserted_window_dims");
  checkDistinct(d.insertedWindowDims, "scatter", "inserted_window_dims");
  checkInRange(d.insertedWindowDims, rank, "scatter", "inserted_window_dims");
  checkSorted(d.operandBatchingDims, "scatter", "operand_batching_dims");
  checkDistinct(d.operandBatchingDims, "scatter", "operand_batching_dims");
  checkInRange(d.operandBatchingDims, rank, "scatter", "operand_batching_dims");
  checkDisjoint(
    d.insertedWindowDims,
    d.operandBatchingDims,
    "scatter",
    "inserted_window_dims",
    "operand_batching_dims",
  );
  checkDisjoint(
    d.scatterDimsToOperandDims,
    d.operandBatchingDims,
    "scatter",
    "scatter_dims_to_operand_dims",
    "operand_batching_dims",
  );
  checkBatching("Scatter", operand, indices, d.operandBatchingDims, d.scatterIndicesBatchingDims);
  const window = d.updateWindowDims.length + d.insertedWindowDims.length + d.operandBatchingDims.length;
  if (rank !== window) fail(`Scatter op has window of size ${window}; doesn't match operand of rank ${rank}.`);
  if (d.scatterDimsToOperandDims.length !== indices.shape[vectorDim]) {
    fail(
      `Scatter op has ${d.scatterDimsToOperandDims.length} elements in scatter_dims_to_operand_dims and the bound of dimension ` +
        `index_vector_dim=${vectorDim} of indices is ${indices.shape[vectorDim]}. These two numbers must be equal`,
    );
  }
  d.scatterDimsToOperandDims.forEach((dim, i) => {
    if (dim < 0 || dim >= rank)
      fail(`Invalid scatter_dims_to_operand_dims mapping; domain is [0, ${rank}), got: ${i}->${dim}.`);
  });
  checkDistinct(d.scatterDimsToOperandDims, "scatter", "scatter_dims_to_operand_dims");
  const bounds = operand.shape.filter(
    (_, i) => !d.insertedWindowDims.includes(i) && !d.operandBatchingDims.includes(i),
  );
  d.updateWindowDims.forEach((dim, i) => {
    if (bounds[i] < updates.shape[dim]) {
      fail(
        "Bounds of the window dimensions of updates must not exceed the bounds of the corresponding dimensions of operand. " +
          `For dimension ${dim}, updates bound is ${updates.shape[dim]}, operand bound is ${bounds[i]}.`,
      );
    }
  });
  let seen = 0;
  updates.shape.forEach((n, i) => {
    if (d.updateWindowDims.includes(i)) return;
    if (n !== indices.shape[seen]) {
      fail(
        "Bounds of the scatter dimensions of updates must be the same as the bounds of the corresponding dimensions of scatter " +
          `indices. For scatter dimension ${i}, updates bound is ${n}, indices bound is ${indices.shape[seen]}.`,
      );
    }
    seen++;
  });
}
