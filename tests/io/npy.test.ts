/** `.npy` and `.npz` files: read as NumPy wrote them, written as it reads them, and refused with the byte. */
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { enableX64, grad, io, jit, np, type NDArray, random } from "../../src/index.ts";
import { golden, bytesOf, expectRefused, expectSame, marked, bitsOf, fileDTypes, arraysOfAll } from "./files.ts";

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
    const found = await expectRefused((file) => io.readNpy(file), bytes, place, reason);
    expect(found.jaxClass).toBe("ValueError");
    expect(found.message).toContain(`at byte ${found.offset} `);
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
