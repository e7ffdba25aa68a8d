/** Files that NumPy and the Python package of safetensors wrote, and arrays to be written: what the tests of reading and writing share. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect } from "vitest";
import { ConcreteArray } from "../../src/core/array.ts";
import { ShapedArray } from "../../src/core/aval.ts";
import { dtypes } from "../../src/core/dtype.ts";
import { readElement, type Element } from "../../src/core/scalar.ts";
import { io, type NDArray, type DType } from "../../src/index.ts";

export interface Described {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly string[];
}
/** Made by scripts/golden/io.py. */
export interface Golden {
  readonly npy: readonly (Described & { readonly name: string; readonly file: string; readonly same: boolean })[];
  readonly refused: readonly { readonly name: string; readonly file: string; readonly reason: string }[];
  readonly npz: readonly { readonly arrays: Readonly<Record<string, Described>>; readonly file: string }[];
  readonly safetensors: readonly {
    readonly name: string;
    readonly tensors: Readonly<Record<string, Described>>;
    readonly metadata: Readonly<Record<string, string>> | null;
    readonly file: string;
  }[];
}
export const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as Golden;
export const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, "base64"));

const numbers = (x: Element): number[] | bigint[] =>
  typeof x === "object" ? [x.re, x.im] : typeof x === "bigint" ? [x] : [Number(x)];
export function expectSame(got: NDArray, expected: Described): void {
  expect(got).toBeInstanceOf(ConcreteArray);
  expect({ dtype: got.dtype, shape: got.shape, weak: got.weakType }).toEqual({
    dtype: expected.dtype,
    shape: expected.shape,
    weak: false,
  });
  const { data } = got as ConcreteArray;
  expect(data).toBeInstanceOf(dtypes[got.dtype].storage);
  const elements = Array.from({ length: got.size }, (_, i) => numbers(readElement(data, got.dtype, i))).flat();
  const is64 = typeof elements[0] === "bigint";
  expect(elements).toEqual(expected.values.map((v) => (is64 ? BigInt(v) : Number(v))));
}

/** Where a test expects the error: at the mark ^, which is not part of the text. */
export const marks = new WeakMap<Uint8Array, number>();
export function marked(
  text: string,
  start: number,
  make: (body: Uint8Array) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const at = text.indexOf("^");
  const bytes = make(new TextEncoder().encode(text.replace("^", "")));
  if (at >= 0) marks.set(bytes, start + at);
  return bytes;
}

/** An array over given bits. */
function ofBits(dtype: DType, shape: readonly number[], bits: Uint8Array): ConcreteArray {
  const aval = new ShapedArray(shape, dtype);
  const copy = new Uint8Array(aval.nbytes);
  for (let i = 0; i < copy.length; i++) copy[i] = dtype === "bool" ? bits[i % bits.length] & 1 : bits[i % bits.length];
  const Storage = dtypes[dtype].storage;
  return new ConcreteArray(aval, new Storage(copy.buffer));
}
export const bitsOf = (x: NDArray): number[] => {
  const { data } = x as ConcreteArray;
  return [...new Uint8Array(data.buffer, data.byteOffset, x.nbytes)];
};
export const fileDTypes = Object.keys(dtypes).filter((d) => d !== "float0" && d !== "key<fry>") as DType[];
const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
export const arraysOfAll = (known: readonly DType[]): fc.Arbitrary<ConcreteArray> =>
  fc
    .tuple(fc.constantFrom(...known), shapes, fc.uint8Array({ minLength: 1, maxLength: 64 }))
    .map(([dtype, shape, bits]) => ofBits(dtype, shape, bits));

/** A damaged file is refused, with the byte at which it is (the place marked in its text, if none is given) and the reason. */
export async function expectRefused(
  read: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
  bytes: Uint8Array<ArrayBuffer>,
  place: number | null,
  reason: RegExp,
): Promise<InstanceType<typeof io.FileFormatError>> {
  const error = await read(bytes).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(io.FileFormatError);
  const found = error as InstanceType<typeof io.FileFormatError>;
  expect(found.message).toMatch(reason);
  expect(found.offset).toBe(place ?? marks.get(bytes));
  return found;
}
