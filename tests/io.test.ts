import { readFileSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConcreteArray } from "../src/core/array.ts";
import { ShapedArray, sizeOf } from "../src/core/aval.ts";
import { dtypes } from "../src/core/dtype.ts";
import { readElement, type Element } from "../src/core/scalar.ts";
import { enableX64, grad, io, jit, np, type NDArray, random, type DType } from "../src/index.ts";

interface Described {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly string[];
}
/** Made by scripts/golden/io.py. */
interface Golden {
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
const golden = JSON.parse(readFileSync(new URL("io/golden.json", import.meta.url), "utf8")) as Golden;
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, "base64"));

const numbers = (x: Element): number[] | bigint[] =>
  typeof x === "object" ? [x.re, x.im] : typeof x === "bigint" ? [x] : [Number(x)];
function expectSame(got: NDArray, expected: Described): void {
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
const marks = new WeakMap<Uint8Array, number>();
function marked(
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
const bitsOf = (x: NDArray): number[] => {
  const { data } = x as ConcreteArray;
  return [...new Uint8Array(data.buffer, data.byteOffset, x.nbytes)];
};
const fileDTypes = Object.keys(dtypes).filter((d) => d !== "float0" && d !== "key<fry>") as DType[];
const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const arraysOfAll = (known: readonly DType[]): fc.Arbitrary<ConcreteArray> =>
  fc
    .tuple(fc.constantFrom(...known), shapes, fc.uint8Array({ minLength: 1, maxLength: 64 }))
    .map(([dtype, shape, bits]) => ofBits(dtype, shape, bits));

beforeEach(() => enableX64());
afterEach(() => enableX64(false));

describe(".npy", () => {
  test.each(golden.npy.map((c) => [c.name, c] as const))("%s reads as NumPy wrote it", async (_, c) => {
    const file = bytesOf(c.file);
    const x = await io.readNpy(file);
    expectSame(x, c);
    if (c.same) expect(Buffer.from(io.writeNpy(x)).toString("latin1")).toBe(Buffer.from(file).toString("latin1"));
  });

  test.each(golden.refused.map((c) => [c.name, c] as const))("%s are refused", async (_, c) => {
    await expect(io.readNpy(bytesOf(c.file))).rejects.toThrow(c.reason);
    await expect(io.readNpy(bytesOf(c.file))).rejects.toThrow(io.FileFormatError);
  });

  test("any array comes back bit by bit", async () => {
    await fc.assert(
      fc.asyncProperty(arraysOfAll(fileDTypes), async (x) => {
        const y = await io.readNpy(io.writeNpy(x));
        expect([y.dtype, y.shape, bitsOf(y)]).toEqual([x.dtype, x.shape, bitsOf(x)]);
      }),
    );
  });

  test("without x64, 64-bit elements become 32-bit ones if they fit", async () => {
    const wide = io.writeNpy(np.array([1, -2], "int64"));
    const huge = io.writeNpy(np.array([1n, 2n ** 40n], "int64"));
    const float = io.writeNpy(np.array([0.1, 1e300], "float64"));
    enableX64(false);
    expect((await io.readNpy(wide)).dtype).toBe("int32");
    expect((await io.readNpy(wide)).toJS()).toEqual([1, -2]);
    await expect(io.readNpy(huge)).rejects.toThrow(/element 1 .*1099511627776.*int32.*enableX64/s);
    expect((await io.readNpy(float)).toJS()).toEqual([Math.fround(0.1), Infinity]);
  });

  test("what is read is read from anywhere, and only once", async () => {
    const x = np.arange(1000, { dtype: "float32" });
    const bytes = io.writeNpy(x);
    const expected = x.toJS();
    expect((await io.readNpy(bytes.buffer)).toJS()).toEqual(expected);
    expect((await io.readNpy(new Blob([bytes]))).toJS()).toEqual(expected);
    const folder = await mkdtemp(join(tmpdir(), "remat-io-"));
    try {
      await writeFile(join(folder, "x.npy"), bytes);
      const handle = await open(join(folder, "x.npy"));
      expect((await io.readNpy(handle)).toJS()).toEqual(expected);
      await handle.close();
    } finally {
      await rm(folder, { recursive: true });
    }
    await expect(io.readNpy("x.npy" as never)).rejects.toThrow(/Give its bytes/);
    const short = { size: bytes.length, read: async (at: number, n: number) => bytes.slice(at, at + n - 1) };
    await expect(io.readNpy(short)).rejects.toThrow(/of a source of/);
    // what was read is not the caller's buffer
    const y = await io.readNpy(bytes);
    bytes.fill(255);
    expect(y.toJS()).toEqual(expected);
  });

  const withHeader = (text: string, data = 0, version = 1): Uint8Array<ArrayBuffer> =>
    marked(text, 10, (body) => {
      const length = [body.length & 255, body.length >> 8, ...(version === 1 ? [] : [0, 0])];
      return Uint8Array.from([
        0x93,
        ...Buffer.from("NUMPY"),
        version,
        0,
        ...length,
        ...body,
        ...new Array<number>(data).fill(0),
      ]);
    });
  const header = (shape: string, descr = "'<f4'", order = "False"): string =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

  test.each([
    ["an empty file", new Uint8Array(0), 0, /the file ends/],
    ["another file", new TextEncoder().encode("PK hello world"), 0, /magic/],
    ["a file that ends", withHeader(header("(2,)"), 8).slice(0, 9), 9, /ends within the header/],
    ["an unknown version", withHeader(header("(2,)"), 8, 4), 6, /version is 4/],
    ["a header beyond the end", withHeader(header("(2,)")).slice(0, 40), 8, /has only/],
    ["a giant header", Uint8Array.of(...withHeader("", 0, 2).slice(0, 8), 255, 255, 255, 127), 8, /2147483647 bytes/],
    ["too few elements", withHeader(`${header("(2,)")}^`, 7), null, /8 bytes of elements.*7 are there/],
    [
      "a giant shape",
      withHeader(`${header("(1000000, 1000000, 1000000)")}^`, 8),
      null,
      /more than 2\^53|1e\+?18|4000000000000000000/,
    ],
    ["a giant dimension", withHeader(header("(^99999999999999999999999,)"), 8), null, /too large/],
    ["a negative dimension", withHeader(header("(^-2,)"), 8), null, /integer of 0 or more/],
    ["a fraction", withHeader(header("(^2.5,)"), 8), null, /integer of 0 or more/],
    ["NaN", withHeader(header("(^nan,)"), 8), null, /integer of 0 or more/],
    ["a list as the shape", withHeader(header("^[2]"), 8), null, /tuple/],
    ["too many dimensions", withHeader(header(`(${"1,".repeat(64)}^1,)`), 4), null, /more than 64/],
    [
      "a key twice",
      withHeader("{'descr': '<f4', ^'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4),
      null,
      /'descr' twice/,
    ],
    ["an unknown key", withHeader("{'descr': '<f4', ^'x': 1}", 4), null, /unknown key "x"/],
    ["a missing key", withHeader("{'descr': '<f4', 'shape': ()}^", 4), null, /without 'fortran_order'/],
    ["no dictionary", withHeader("^open('x')", 4), null, /'\{'/],
    [
      "something after it",
      withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': ()} ^+ 1", 4),
      null,
      /follows/,
    ],
    ["an unknown order", withHeader(header("()", "'<f4'", "^Maybe"), 4), null, /True or False/],
    ["an unknown dtype", withHeader(header("()", "'^<f3'"), 4), null, /"<f3"/],
  ])("%s is refused, with the byte", async (_, bytes, place, reason) => {
    const offset = place ?? marks.get(bytes);
    const error = await io.readNpy(bytes).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(io.FileFormatError);
    const found = error as InstanceType<typeof io.FileFormatError>;
    expect(found.message).toMatch(reason);
    expect(found.offset).toBe(offset);
    expect(found.jaxClass).toBe("ValueError");
    expect(found.message).toContain(`at byte ${offset} `);
  });

  test("a zero dimension makes others harmless, and old integers have their L", async () => {
    expect((await io.readNpy(withHeader(header("(0, 9007199254740991)")))).shape).toEqual([0, 9007199254740991]);
    expect((await io.readNpy(withHeader(header("(2L, 1L)"), 8))).shape).toEqual([2, 1]);
  });

  test("keys and traced arrays are not written", () => {
    expect(() => io.writeNpy(random.key(0))).toThrow(/keyData/);
    expect(() => jit((x: NDArray) => (io.writeNpy(x), x))(np.ones(2))).toThrow(/traced/);
    // under eager differentiation the value is known
    let bytes: Uint8Array = new Uint8Array();
    grad((x: NDArray) => ((bytes = io.writeNpy(x)), np.sum(x)))(np.ones(2, "float32"));
    expect(bytes.length).toBe(136);
    expect(io.writeNpy([[1, 2]]).length).toBe(128 + 16);
  });
});

describe(".npz", () => {
  test.each(golden.npz.map((c, i) => [i, c] as const))("archive %i reads as NumPy wrote it", async (_, c) => {
    const arrays = await io.readNpz(bytesOf(c.file));
    expect(Object.keys(arrays)).toEqual(Object.keys(c.arrays));
    for (const [name, expected] of Object.entries(c.arrays)) expectSame(arrays[name], expected);
  });

  test.each([false, true])("arrays come back, compressed: %s", async (compress) => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ maxLength: 5 }), arraysOfAll(fileDTypes), { maxKeys: 4 }),
        async (arrays) => {
          const back = await io.readNpz(await io.writeNpz(arrays, { compress }));
          const text = (xs: Readonly<Record<string, NDArray>>): unknown =>
            Object.entries(xs).map(([name, x]) => [name.toWellFormed(), x.dtype, x.shape, bitsOf(x)]);
          expect(text(back)).toEqual(text(arrays));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("one array is read without the others", async () => {
    const bytes = await io.writeNpz({ small: np.ones(3), large: np.zeros([1000, 100]) });
    let read = 0;
    const file = await io.openNpz({
      size: bytes.length,
      read: async (at: number, n: number) => ((read += n), bytes.slice(at, at + n)),
    });
    expect(file.names).toEqual(["small", "large"]);
    read = 0;
    expect((await file.get("small")).toJS()).toEqual([1, 1, 1]);
    expect(read).toBeLessThan(1000);
    await expect(file.get("other")).rejects.toThrow(/small, large/);
  });

  test("bombs and lies are found out", async () => {
    const bytes = await io.writeNpz({ a: np.zeros(100000, "float32") }, { compress: true });
    expect(bytes.length).toBeLessThan(2000);
    await expect(io.readNpz(bytes, { maxBytes: 1000 })).rejects.toThrow(/400128 bytes, and 1000 are allowed/);
    const directory = bytes.length - 22 - 46 - "a.npy".length;
    const patched = (at: number, ...change: number[]): Uint8Array<ArrayBuffer> => {
      const copy = bytes.slice();
      copy.set(change, at);
      return copy;
    };
    await expect(io.readNpz(patched(directory + 24, 0, 1, 0, 0))).rejects.toThrow(/unpacks to more than the 256 bytes/);
    await expect(io.readNpz(patched(directory + 24, 0, 0, 0, 0x7f))).rejects.toThrow(/more than deflate can/);
    await expect(io.readNpz(patched(directory + 24, 65, 27, 6, 0))).rejects.toThrow(/unpacks to fewer/);
    await expect(io.readNpz(patched(directory + 20, 255, 255, 0, 0))).rejects.toThrow(/reaches into the directory/);
    await expect(io.readNpz(patched(directory + 16, 1, 2, 3, 4))).rejects.toThrow(/checksum/);
    await expect(io.readNpz(patched(directory + 10, 9))).rejects.toThrow(/method 9/);
    await expect(io.readNpz(patched(directory + 8, 1))).rejects.toThrow(/encrypted/);
    await expect(io.readNpz(patched(30, 98))).rejects.toThrow(/calls itself "b.npy"/);
    await expect(io.readNpz(bytes.slice(0, -1))).rejects.toThrow(/no zip archive/);
    await expect(io.readNpz(new Uint8Array(0))).rejects.toThrow(io.FileFormatError);

    // two members over the same bytes
    const two = await io.writeNpz({ a: np.ones(1), b: np.ones(1) });
    const entry = two.length - 22 - 2 * (46 + 5);
    const overlapping = two.slice();
    overlapping.set([0, 0, 0, 0], entry + 51 + 42);
    await expect(io.readNpz(overlapping)).rejects.toThrow(/overlaps/);
    const twice = two.slice();
    twice.set([97], entry + 51 + 46);
    await expect(io.readNpz(twice)).rejects.toThrow(/second member "a.npy"/);
    // an array that is damaged within the archive
    const inner = (await io.writeNpz({ a: np.ones(1) })).slice();
    expect(() => inner.set([0], 35)).not.toThrow();
    await expect(io.readNpz(inner)).rejects.toThrow(/checksum/);
  });
});

describe(".safetensors", () => {
  test.each(golden.safetensors.map((c) => [c.name, c] as const))("%s: as the Python package does", async (_, c) => {
    const bytes = bytesOf(c.file);
    const { tensors, metadata } = await io.readSafetensors(bytes);
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(c.tensors).sort());
    for (const [name, expected] of Object.entries(c.tensors)) expectSame(tensors[name], expected);
    expect(metadata).toEqual(c.metadata ?? {});
    const written = io.writeSafetensors(tensors, c.metadata === null ? {} : { metadata: c.metadata });
    expect(Buffer.from(written).toString("latin1")).toBe(Buffer.from(bytes).toString("latin1"));
  });

  test("tensors come back bit by bit", async () => {
    const known = arraysOfAll(fileDTypes.filter((d) => d !== "complex128"));
    const names = fc.string({ unit: "grapheme", maxLength: 6 }).filter((s) => s !== "__metadata__");
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(names, known, { maxKeys: 5 }),
        fc.dictionary(names, names),
        async (tensors, metadata) => {
          const back = await io.readSafetensors(io.writeSafetensors(tensors, { metadata }));
          expect(new Map(Object.entries(back.metadata))).toEqual(new Map(Object.entries(metadata)));
          const text = (xs: Readonly<Record<string, NDArray>>): unknown =>
            Object.entries(xs)
              .map(([name, x]) => [name, x.dtype, x.shape, bitsOf(x)] as const)
              .sort(([a], [b]) => (a < b ? -1 : 1));
          expect(text(back.tensors)).toEqual(text(tensors));
        },
      ),
    );
  });

  test("one tensor is read without the others", async () => {
    const bytes = io.writeSafetensors({ small: np.ones(3, "float32"), large: np.zeros([1000, 100], "float32") });
    const ranges: [number, number][] = [];
    const source = {
      size: bytes.length,
      read: async (at: number, n: number) => (ranges.push([at, n]), bytes.slice(at, at + n)),
    };
    const file = await io.openSafetensors(source);
    expect([...file.tensors.keys()].sort()).toEqual(["large", "small"]);
    expect((await file.get("small")).toJS()).toEqual([1, 1, 1]);
    const { offset, nbytes } = file.tensors.get("small")!;
    expect(ranges.at(-1)).toEqual([offset, 12]);
    expect(nbytes).toBe(12);
    expect(ranges.reduce((n, [, length]) => n + length, 0)).toBeLessThan(500);
    await expect(file.get("other")).rejects.toThrow(/2 tensors: /);
    expect((await (await io.openSafetensors(new Blob([bytes]))).get("small")).toJS()).toEqual([1, 1, 1]);
  });

  const fileOf = (header: string | Uint8Array, data = 0, length?: bigint): Uint8Array<ArrayBuffer> => {
    const make = (text: Uint8Array): Uint8Array<ArrayBuffer> => {
      const out = new Uint8Array(8 + text.length + data);
      new DataView(out.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
      out.set(text, 8);
      return out;
    };
    return typeof header === "string" ? marked(header, 8, make) : make(header);
  };
  const tensor = (fields: string): string => `{"a":{${fields}}}`;
  const gap = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`;
  const overlap = `{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`;
  const good = `"dtype":"F32","shape":[2],"data_offsets":[0,8]`;

  test.each([
    ["an empty file", new Uint8Array(0), 0, /ends within the length/],
    ["a header beyond the end", fileOf("{}", 0, 3n), 0, /has 3 bytes.*only 2 more/],
    ["a giant header", fileOf("{}", 0, 2n ** 60n), 0, /1152921504606846976 bytes/],
    ["no JSON", fileOf("hello"), 8, /does not begin/],
    ["an array", fileOf("[]"), 8, /does not begin/],
    ["JSON that ends", fileOf(`{"a":{"dtype"^`), null, /':' should stand/],
    ["something after it", fileOf("{} ^x"), null, /follows/],
    ["a name twice", fileOf(`{"a":{${good}},^"a":{${good}}}`, 8), null, /"a" stands there twice/],
    ["a name twice, in other letters", fileOf(`{"a":{${good}},^"\\u0061":{${good}}}`, 8), null, /twice/],
    ["a field twice", fileOf(tensor(`${good},^"dtype":"F32"`), 8), null, /"dtype" stands there twice/],
    ["a dtype nobody has", fileOf(tensor(`"dtype":^"F8_E4M3","shape":[2],"data_offsets":[0,2]`), 2), null, /F8_E4M3/],
    ["no shape", fileOf(tensor(`"dtype":"F32","data_offsets":[0,8]`), 8), 9, /lacks/],
    ["one offset", fileOf(tensor(`"dtype":"F32","shape":[2],"data_offsets":[8]`), 8), 9, /lacks/],
    ["three offsets", fileOf(tensor(`"dtype":"F32","shape":[2],"data_offsets":[0,8,^9]`), 8), null, /more than 2/],
    ["a negative dimension", fileOf(tensor(`"dtype":"F32","shape":[^-2],"data_offsets":[0,8]`), 8), null, /"-2"/],
    ["a fraction", fileOf(tensor(`"dtype":"F32","shape":[^2.5],"data_offsets":[0,8]`), 8), null, /"2.5"/],
    ["NaN", fileOf(tensor(`"dtype":"F32","shape":[^NaN],"data_offsets":[0,8]`), 8), null, /"NaN"/],
    [
      "a large integer",
      fileOf(tensor(`"dtype":"F32","shape":[^99999999999999999],"data_offsets":[0,8]`), 8),
      null,
      /2\^53/,
    ],
    [
      "a shape that overflows",
      fileOf(tensor(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]`)),
      9,
      /more than 2\^53/,
    ],
    ["a text for a number", fileOf(tensor(`"dtype":"F32","shape":[^"2"],"data_offsets":[0,8]`), 8), null, /no number/],
    ["the wrong size", fileOf(tensor(`"dtype":"F32","shape":[3],"data_offsets":[0,8]`), 8), 9, /has 8 bytes.*needs 12/],
    ["a range backwards", fileOf(tensor(`"dtype":"F32","shape":[2],"data_offsets":[8,0]`), 8), 9, /has -8 bytes/],
    ["elements beyond the end", fileOf(tensor(good), 7), 8 + tensor(good).length + 7, /file ends before/],
    ["bytes nobody owns", fileOf(tensor(good), 9), 8 + tensor(good).length + 8, /something follows/],
    ["a gap", fileOf(gap, 2), 8 + gap.length + 1, /leaves a gap/],
    ["an overlap", fileOf(overlap, 3), 8 + overlap.length + 1, /"b" overlaps/],
    ["metadata that is no text", fileOf(`{"__metadata__":{"a":^1}}`), null, /'"' should stand/],
    ["UTF-8 that is none", fileOf(Uint8Array.of(123, 34, 255, 34, 58, 123, 125, 125)), 9, /UTF-8/],
    ["deep nesting", fileOf(tensor(`"x":${"[".repeat(17)}^${"[".repeat(100000)}`)), null, /deep/],
  ])("%s is refused, with the byte", async (_, bytes, place, reason) => {
    const offset = place ?? marks.get(bytes);
    const error = await io.readSafetensors(bytes).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(io.FileFormatError);
    const found = error as InstanceType<typeof io.FileFormatError>;
    expect(found.message).toMatch(reason);
    expect(found.offset).toBe(offset);
    expect(found.format).toBe("safetensors");
  });

  test("other fields are passed over", async () => {
    const { tensors } = await io.readSafetensors(fileOf(tensor(`${good},"x":[1,-2.5e3,{"y":null}],"z":true`), 8));
    expect(tensors.a.toJS()).toEqual([0, 0]);
  });

  test("what has no place there is not written", () => {
    expect(() => io.writeSafetensors({ a: np.zeros(1, "complex128") })).toThrow(/complex128/);
    expect(() => io.writeSafetensors({ __metadata__: np.zeros(1) })).toThrow(/another name/);
    const chunks = [...io.safetensorsChunks({ a: np.zeros(2, "float32"), b: np.zeros(3, "float32") })];
    expect(chunks.map((c) => c.length).slice(1)).toEqual([8, 12]);
  });
});

describe("damaged files", () => {
  type Base = readonly [string, Uint8Array<ArrayBuffer>, (bytes: Uint8Array) => Promise<unknown>];
  const npys = golden.npy.filter((c) => sizeOf(c.shape) > 3).map((c): Base => ["npy", bytesOf(c.file), io.readNpy]);
  const readNpz = (bytes: Uint8Array): Promise<unknown> => io.readNpz(bytes, { maxBytes: 2 ** 20 });
  const npzs = golden.npz.map((c): Base => ["npz", bytesOf(c.file), readNpz]);
  const safe = golden.safetensors.map((c): Base => ["safetensors", bytesOf(c.file), io.readSafetensors]);
  // anywhere alike: fast-check would prefer the first byte
  const place = fc.noBias(fc.nat({ max: 2 ** 20 - 1 })).map((n) => n / 2 ** 20);
  const value = fc.oneof(
    fc.noBias(fc.nat({ max: 255 })),
    fc.constantFrom(...Buffer.from(`0123456789-[]{},:"'() eN`)),
    fc.constantFrom(0, 1, 255),
  );
  const damage = fc.record({
    base: fc.oneof(fc.constantFrom(...npys), fc.constantFrom(...npzs), fc.constantFrom(...safe)),
    bytes: fc.noBias(fc.array(fc.tuple(place, value), { maxLength: 3 })),
    within: fc.constantFrom("all", "first", "last"),
    cut: fc.oneof({ arbitrary: fc.constant(null), weight: 5 }, place),
    doubled: fc.oneof({ arbitrary: fc.constant(null), weight: 5 }, place),
  });

  test("give the typed error or an array, and take no memory beyond their size", async () => {
    await fc.assert(
      fc.asyncProperty(damage, async ({ base: [format, original, read], bytes, within, cut, doubled }) => {
        let file = original.slice();
        const range = within === "all" ? file.length : Math.min(200, file.length);
        const first = within === "last" ? file.length - range : 0;
        for (const [where, value] of bytes) file[first + Math.floor(where * range)] = value;
        if (cut !== null) file = file.slice(0, Math.floor(cut * file.length));
        if (doubled !== null) {
          const at = Math.floor(doubled * file.length);
          file = Uint8Array.from([...file.subarray(0, at), ...file.subarray(at / 2)]);
        }
        const before = process.memoryUsage().arrayBuffers;
        try {
          await read(file);
        } catch (error) {
          expect(error).toBeInstanceOf(io.FileFormatError);
          const { offset } = error as InstanceType<typeof io.FileFormatError>;
          expect(offset).toBeGreaterThanOrEqual(0);
          if (format !== "npz") expect(offset).toBeLessThanOrEqual(file.length);
        }
        const taken = process.memoryUsage().arrayBuffers - before;
        // a reader's copy, a transposed one, and the blocks of the unpacker
        expect(taken).toBeLessThan((format === "npz" ? 4 : 2) * file.length + (format === "npz" ? 2 ** 18 : 2 ** 14));
      }),
      { numRuns: 3000 },
    );
  });
});
