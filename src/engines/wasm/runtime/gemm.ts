/**
 * Matrix products: which routine does one, and its argument block. C[i, j] = sum over k of A[i, k] B[k, j], for any strides of A and B, and for
 * batches of two axes.
 *
 * Each element is a sum over blocks of 256 along k. Within a block products are added one after the other, starting at +0; the sums of blocks are added
 * in their order. All routines keep this order, so the choice between them, the sizes of blocks and the number of threads never change a bit.
 */
import { writeBlock, type RuntimeCall, type SourceFields } from "./arguments.ts";
import { exactF32, exactF64, tileColumns, wrappingI32, type Element } from "./element.ts";
import { COLUMN_BLOCK, ROW_BLOCK, SUM_BLOCK } from "./packedProduct.ts";
import { VECTOR_COLUMNS } from "./vectorProduct.ts";

/** Sizes, and strides in elements. */
export interface GemmShape {
  readonly type: "f32" | "f64" | "i32";
  readonly rows: number;
  readonly columns: number;
  readonly sum: number;
  readonly lhs: { readonly row: number; readonly column: number };
  readonly rhs: { readonly row: number; readonly column: number };
  readonly out: { readonly row: number; readonly column: number };
  /** Slower axis first. */
  readonly batch?: readonly BatchAxis[];
  /** Adds to what is in the result. */
  readonly accumulate?: boolean;
}

export interface BatchAxis {
  readonly size: number;
  readonly lhs: number;
  readonly rhs: number;
  readonly out: number;
}

export const elements = { f32: exactF32, f64: exactF64, i32: wrappingI32 } as const satisfies Record<string, Element>;

/** Rows of a unit of the packed product: both 4 and 6 divide it, and threads get equal shares. */
export const UNIT_ROWS = 12;
/** Fewer rows than these aren't worth a packed B. */
const FEW_ROWS = 64;
/** Fewer columns than these aren't worth a packed A. */
const FEW_COLUMNS = 16;
/** A B that is read for so few rows, or that stays in the cache, is read where it lies. */
const FEW_USES = 16;
const CACHED = 2 ** 17;
/** Rows and columns of a unit of the direct product. */
const DIRECT_UNIT = 64;
/** Rows beside which eight columns are better computed the other way around. */
const NARROW = 8;

const up = (n: number, to: number): number => Math.ceil(n / to) * to;

/** The parts of a slot of workspace, one after the other; each begins at a multiple of 64. */
export function slotParts(
  { bytes, lanes }: Element,
  rows: number,
  columns: number,
  sum: number,
): { readonly fields: Record<string, number>; readonly size: number } {
  const [m, n, k] = [Math.min(rows, ROW_BLOCK), Math.min(columns, COLUMN_BLOCK), Math.min(sum, SUM_BLOCK)];
  let at = 256; // the scratch tile: at most 6 rows of 32 bytes, or 4 of 64
  const part = (size: number): number => {
    const start = at;
    at = up(at + size, 64);
    return start;
  };
  const fields = {
    rowOffsets: part(4 * up(m, 24)),
    rowSteps: part(4 * up(m, 24)),
    columnOffsets: part(4 * up(n, 16)),
    columnSteps: part(4 * up(n, 16)),
    packedA: part((m + 5) * k * bytes),
    packedB: part(up(n, 4 * lanes) * k * bytes),
  };
  return { fields, size: at };
}

interface Side {
  readonly line: number;
  readonly k: number;
  readonly out: number;
}

/** The call that does a product. `slots` is how many ranges of units may run at the same time. */
export function gemm(shape: GemmShape, slots = 1): RuntimeCall {
  const el = elements[shape.type];
  const [outer, inner] = batchAxes(shape.batch ?? []);
  const batch = outer.size * inner.size;
  let [rows, columns] = [shape.rows, shape.columns];
  let a: Side = { line: shape.lhs.row, k: shape.lhs.column, out: shape.out.row };
  let b: Side = { line: shape.rhs.column, k: shape.rhs.row, out: shape.out.column };
  const swapped =
    (columns === 1 && rows > 1) || (rows > 1 && rows <= NARROW && columns > NARROW && b.k === 1 && b.line !== 1);
  if (swapped) {
    [rows, columns] = [columns, rows];
    [a, b] = [b, a];
  }
  const routine = isSmall(shape) ? "small" : routineFor(rows, columns, a, b);
  const { rowBlock, columnBlock } = unitSize(routine, rows, columns);
  const columnUnits = Math.ceil(columns / columnBlock);
  const batchUnits = Math.ceil(rows / rowBlock) * columnUnits;
  // An empty product added to something changes nothing.
  const units = shape.sum === 0 && shape.accumulate === true ? 0 : batch * batchUnits;
  const used = Math.max(1, Math.min(slots, units));
  const slotUnits = Math.max(1, Math.ceil(units / used));
  const slot = slotFor(routine, el, rows, columns, shape.sum);
  const { bytes } = el;
  const sides = (name: "lhs" | "rhs"): [number, number] => [outer[name] * bytes, inner[name] * bytes];
  const [[aOuter, aInner], [bOuter, bInner]] = swapped ? [sides("rhs"), sides("lhs")] : [sides("lhs"), sides("rhs")];
  const fields = {
    swapped: Number(swapped),
    accumulate: Number(shape.accumulate === true),
    rows,
    columns,
    sum: shape.sum,
    rowBlock,
    columnBlock,
    columnUnits,
    batchUnits,
    slotUnits,
    slotBytes: slot.size,
    ...slot.fields,
    innerBatch: inner.size,
    ...{ aOuter, aInner, bOuter, bInner, outOuter: outer.out * bytes, outInner: inner.out * bytes },
    unpackedB: Number(b.line === 1 && (rows <= FEW_USES || Math.min(shape.sum, SUM_BLOCK) * columns * bytes <= CACHED)),
  };
  const block = writeBlock(fields, plainSource(a, bytes, rows, shape.sum), plainSource(b, bytes, columns, shape.sum));
  const workspaceBytes = units === 0 ? 0 : used * slot.size;
  return { routine: `${routine}_${el.name}`, block, units, slotUnits, workspaceBytes };
}

function batchAxes(batch: readonly BatchAxis[]): readonly [BatchAxis, BatchAxis] {
  const one: BatchAxis = { size: 1, lhs: 0, rhs: 0, out: 0 };
  return [batch.length > 1 ? batch[0] : one, batch.at(-1) ?? one];
}

/** Multiplications below which packing and blocks cost more than they gain. */
const FEW_PRODUCTS = 200;

const isSmall = ({ rows, columns, sum, accumulate }: GemmShape): boolean =>
  accumulate !== true && sum <= SUM_BLOCK && rows * columns * Math.max(1, sum) <= FEW_PRODUCTS;

type Routine = "small" | "packed" | "direct" | "byRows" | "byColumns";

function routineFor(rows: number, columns: number, a: Side, b: Side): Routine {
  if (rows === 1 && (b.out === 1 || columns === 1)) {
    if (b.line === 1) return "byRows";
    if (b.k === 1) return "byColumns";
  }
  return rows <= FEW_ROWS || columns <= FEW_COLUMNS ? "direct" : "packed";
}

function unitSize(routine: Routine, rows: number, columns: number): { rowBlock: number; columnBlock: number } {
  switch (routine) {
    case "small":
      return { rowBlock: Math.max(1, rows), columnBlock: Math.max(1, columns) };
    case "packed":
      return { rowBlock: UNIT_ROWS, columnBlock: Math.max(1, columns) };
    case "direct":
      return {
        rowBlock: DIRECT_UNIT,
        columnBlock: up(Math.max(1, columns > DIRECT_UNIT ? 2 * DIRECT_UNIT : columns), 8),
      };
    default:
      return { rowBlock: 1, columnBlock: VECTOR_COLUMNS };
  }
}

function slotFor(
  routine: Routine,
  el: Element,
  rows: number,
  columns: number,
  sum: number,
): ReturnType<typeof slotParts> {
  switch (routine) {
    case "packed":
      return slotParts(el, rows, columns, sum);
    case "direct":
      // Scratch tile, the places of 4 rows and 8 columns, one panel.
      return {
        fields: { rowOffsets: 256, columnOffsets: 272, packedB: 320 },
        size: up(320 + tileColumns(el) * Math.min(sum, SUM_BLOCK) * el.bytes, 64),
      };
    case "byRows":
      return { fields: {}, size: up(Math.min(columns, VECTOR_COLUMNS) * el.bytes, 64) };
    case "small":
    case "byColumns":
      return { fields: {}, size: 0 };
  }
}

const plainSource = ({ line, k, out }: Side, bytes: number, lines: number, sum: number): SourceFields => ({
  featureStep: k * bytes,
  features: Math.max(1, sum),
  step2: line * bytes,
  out2: out * bytes,
  size1: 1,
  size2: Math.max(1, lines),
});
