/** `.safetensors` files, and damaged files of all formats. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sizeOf } from "../../src/core/aval.ts";
import { enableX64, io, np, type NDArray } from "../../src/index.ts";
import { golden, bytesOf, expectRefused, expectSame, marked, bitsOf, fileDTypes, arraysOfAll } from "./files.ts";

beforeEach(() => enableX64());
afterEach(() => enableX64(false));

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
    const found = await expectRefused((file) => io.readSafetensors(file), bytes, place, reason);
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
