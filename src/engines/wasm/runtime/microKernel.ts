/**
 * The tile: a few rows times two vectors of columns of C, whose sums stay in registers while k runs through one block. All matrix products and
 * convolutions end here, after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
 *
 * Two of them: one whose operands are packed in panels, and one that reads A (and B, if its rows are contiguous) where they lie, for products
 * which are too small to pay for packing. Both add in the order of k, starting at +0, so both give the same bits.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { multiplyAdd, tileRowBytes, type Element } from "./element.ts";
import { advance, advanceBy, repeat } from "./emit.ts";

interface Sums {
  readonly sums: readonly (readonly Local[])[];
  readonly right: readonly Local[];
  readonly left: Local;
}

const locals = (f: FunctionBuilder, n: number): Local[] => Array.from({ length: n }, () => f.local("v128"));

const newSums = (f: FunctionBuilder, el: Element, rows: number): Sums => ({
  sums: Array.from({ length: rows }, () => locals(f, el.tileVectors)),
  right: locals(f, el.tileVectors),
  left: f.local("v128"),
});

/** Loads a row of B. */
function loadRight(f: FunctionBuilder, { right }: Sums, b: Local, offset: number): void {
  right.forEach((v, i) =>
    f
      .get(b)
      .mem("v128.load", offset + 16 * i, 2)
      .set(v),
  );
}

function addRow(f: FunctionBuilder, el: Element, { sums, right, left }: Sums, row: number, a: Local, at: number): void {
  f.get(a).mem(el.loadSplat, at).set(left);
  sums[row].forEach((sum, i) => {
    multiplyAdd(f, el, sum, left, right[i]);
  });
}

/** Writes the sums to C, or adds them to what is there. */
function storeSums(f: FunctionBuilder, el: Element, { sums }: Sums, c: Local, rowBytes: Local, adds: Local): void {
  const each = (store: (sum: Local, at: number) => void): void => {
    sums.forEach((row, r) => {
      if (r > 0) advanceBy(f, c, rowBytes);
      row.forEach((sum, i) => {
        store(sum, 16 * i);
      });
    });
  };
  f.get(adds).if(
    () => {
      each((sum, at) => f.get(c).get(c).mem("v128.load", at, 2).get(sum).op(el.add).mem("v128.store", at, 2));
    },
    () => {
      each((sum, at) => f.get(c).get(sum).mem("v128.store", at, 2));
    },
  );
}

/** (a, b, count, c, rowBytes, adds): both operands packed. */
export function packedTile(module: ModuleBuilder, el: Element): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [a, b, count, c, rowBytes, adds] = [0, 1, 2, 3, 4, 5];
  const all = newSums(f, el, el.tileRows);
  const step = (k: number): void => {
    loadRight(f, all, b, k * tileRowBytes(el));
    for (let r = 0; r < el.tileRows; r++) addRow(f, el, all, r, a, (k * el.tileRows + r) * el.bytes);
  };
  const steps = (n: number): void => {
    for (let k = 0; k < n; k++) step(k);
    advance(f, a, n * el.tileRows * el.bytes);
    advance(f, b, n * tileRowBytes(el));
  };
  if (el.unroll > 1) {
    const turns = f.local("i32");
    f.get(count).i32(el.unroll).op("i32.div_u").set(turns);
    repeat(f, turns, () => {
      steps(el.unroll);
    });
    f.get(count).i32(el.unroll).op("i32.rem_u").set(count);
  }
  repeat(f, count, () => {
    steps(1);
  });
  storeSums(f, el, all, c, rowBytes, adds);
  return f;
}

/** Rows of the tile that reads A in place. */
export const DIRECT_ROWS = 4;

/** (a0, a1, a2, a3, aStep, b, bStep, count, c, rowBytes, adds): four rows of A, each with its address, and rows of B `bStep` bytes apart. */
export function directTile(module: ModuleBuilder, el: Element): FunctionBuilder {
  const f = module.func(Array.from({ length: DIRECT_ROWS + 7 }, () => "i32"));
  const rows = [0, 1, 2, 3];
  const [aStep, b, bStep, count, c, rowBytes, adds] = [4, 5, 6, 7, 8, 9, 10];
  const all = newSums(f, el, DIRECT_ROWS);
  repeat(f, count, () => {
    loadRight(f, all, b, 0);
    for (const r of rows) addRow(f, el, all, r, r, 0);
    for (const r of rows) advanceBy(f, r, aStep);
    advanceBy(f, b, bStep);
  });
  storeSums(f, el, all, c, rowBytes, adds);
  return f;
}

/**
 * (tile, rows, columns, rowOffsets, columnOffsets, c, adds): writes the valid part of a tile in scratch memory to the places in C that two
 * lists of byte offsets tell, or adds it to what is there.
 */
export function scatterTile(module: ModuleBuilder, el: Element): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [tile, rows, columns, rowOffsets, columnOffsets, c, adds] = [0, 1, 2, 3, 4, 5, 6];
  const [from, at, list, left] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const value = f.local("v128");
  repeat(f, rows, () => {
    f.get(tile).set(from).get(columnOffsets).set(list).get(columns).set(left);
    repeat(f, left, () => {
      f.get(c).get(rowOffsets).mem("i32.load").op("i32.add").get(list).mem("i32.load").op("i32.add").set(at);
      f.get(from).mem(el.loadSplat).set(value);
      f.get(adds).if(() => f.get(at).mem(el.loadSplat).get(value).op(el.add).set(value));
      f.get(at).get(value).memLane(el.storeLane, 0);
      advance(f, from, el.bytes);
      advance(f, list, 4);
    });
    advance(f, tile, tileRowBytes(el));
    advance(f, rowOffsets, 4);
  });
  return f;
}
