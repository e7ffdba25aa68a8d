/**
 * The argument block of a product: 32-bit little-endian fields, pointers first, so that whoever moves the operands patches four words. A block
 * may lie at any address that is a multiple of 4; what it says of places is in bytes, relative to the pointers.
 *
 * Both operands are described as a *source*: rows (those of A, or the columns of B) and the k along them. A row's number is three digits
 * (i0, i1, i2) with steps of their own, and k is a place in a window and a feature: k = place * features + feature. A plain matrix has one
 * place only. For convolutions two tables tell where a window's place lies in the input, or that it lies outside.
 */

/** Byte offsets of consecutive 32-bit fields. */
export const layout = <K extends string>(...names: readonly K[]): Readonly<Record<K, number>> =>
  Object.fromEntries(names.map((name, i) => [name, 4 * i])) as Record<K, number>;

export const head = layout(
  "out",
  "lhs",
  "rhs",
  "workspace",
  // 1: A is read from `rhs` and B from `lhs`: the transposed product is computed.
  "swapped",
  // 1: the product is added to what is in `out`.
  "accumulate",
  "rows",
  "columns",
  "sum",
  // A unit is `rowBlock` rows times `columnBlock` columns of one matrix of the batch.
  "rowBlock",
  "columnBlock",
  "columnUnits",
  "batchUnits",
  // Units from n * slotUnits on use the n-th slot of the workspace.
  "slotUnits",
  "slotBytes",
  // Where the parts of a slot begin.
  "rowOffsets",
  "rowSteps",
  "columnOffsets",
  "columnSteps",
  "packedA",
  "packedB",
  // Matrices of the batch are numbered outer * innerBatch + inner; bytes from one to the next.
  "innerBatch",
  "aOuter",
  "aInner",
  "bOuter",
  "bInner",
  "outOuter",
  "outInner",
  // 1: rows of B are contiguous and may be read in place.
  "unpackedB",
);

/** A source, relative to its beginning. */
export const source = layout(
  // Bytes from one feature to the next, and how many there are.
  "featureStep",
  "features",
  // Bytes from one row to the next, by the digits of its number.
  "step0",
  "step1",
  "step2",
  "out0",
  "out1",
  "out2",
  // Sizes of the two lower digits.
  "size1",
  "size2",
  // 0: a plain matrix, none of what follows is used.
  "windowed",
  // Added to the operand's pointer.
  "base",
  // Places of the last axis, and bytes from the block's beginning to the two tables.
  "lastPlaces",
  "outerTable",
  "lastTable",
  // Bytes in the tables from row to row, by the digits.
  "outer0",
  "outer1",
  "outer2",
  "last0",
  "last1",
  "last2",
);

const sizeOfLayout = (fields: object): number => 4 * Object.keys(fields).length;

export const SOURCE_A = sizeOfLayout(head);
export const SOURCE_B = SOURCE_A + sizeOfLayout(source);
export const HEAD_BYTES = SOURCE_B + sizeOfLayout(source);

/** In a table: this place of the window lies outside of the input. Two of them still add up to something negative. */
export const OUTSIDE = -(2 ** 30);

export type HeadFields = Partial<Record<keyof typeof head, number>>;
export type SourceFields = Partial<Record<keyof typeof source, number>>;

/** What a routine is called with: the block's bytes (pointers are zero), how many units of work there are, and how much workspace it needs. */
export interface RuntimeCall {
  /** The export of the runtime module. */
  readonly routine: string;
  readonly block: Int32Array;
  readonly units: number;
  /** How many units have a slot of workspace together. */
  readonly slotUnits: number;
  readonly workspaceBytes: number;
}

export function writeBlock(
  fields: HeadFields,
  a: SourceFields,
  b: SourceFields,
  tables: readonly number[] = [],
): Int32Array {
  const block = new Int32Array(HEAD_BYTES / 4 + tables.length);
  const put = (values: object, names: Readonly<Record<string, number>>, base: number): void => {
    for (const [name, value] of Object.entries(values) as [string, number][]) block[(base + names[name]) / 4] = value;
  };
  put(fields, head, 0);
  put(a, source, SOURCE_A);
  put(b, source, SOURCE_B);
  block.set(tables, HEAD_BYTES / 4);
  return block;
}

export interface Pointers {
  readonly out: number;
  readonly lhs: number;
  readonly rhs: number;
  readonly workspace: number;
}

/** Writes a block into memory at `address`, with its pointers. */
export function placeBlock(memory: ArrayBufferLike, address: number, block: Int32Array, pointers: Pointers): void {
  const to = new Int32Array(memory, address, block.length);
  to.set(block);
  to.set([pointers.out, pointers.lhs, pointers.rhs, pointers.workspace]);
}
