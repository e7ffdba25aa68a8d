/**
 * NumPy's `.npy` files (versions 1 to 3): a header with the dtype, order and shape as a Python literal, then the elements.
 *
 * bfloat16, which NumPy knows only as two nameless bytes, is written and read as such, like JAX does. Objects (pickles), structures, texts and
 * dates are refused.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import type { ArrayLike } from "../numpy/asarray.ts";
import { arrayOf, bytesOf, bytesOfArray, MAX_RANK } from "./elements.ts";
import { FileFormatError, unsupportedElements } from "./errors.ts";
import { quoted } from "./json.ts";
import { sourceOf, type Readable } from "./source.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy's own limit. */
const MAX_HEADER = 10_000;

const codes: Readonly<Partial<Record<DType, string>>> = {
  bool: "|b1",
  int8: "|i1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  uint16: "<u2",
  uint32: "<u4",
  uint64: "<u8",
  float16: "<f2",
  bfloat16: "<V2",
  float32: "<f4",
  float64: "<f8",
  complex64: "<c8",
  complex128: "<c16",
};
const dtypeOfCode = new Map(Object.entries(codes).map(([dtype, code]) => [code.slice(1), dtype as DType]));

/** What the header of a file says, and where the elements are. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** The bytes before the elements, and those of the elements. */
  readonly start: number;
  readonly nbytes: number;
}

/**
 * Reads an array.
 *
 * @throws FileFormatError if the file is not one, is damaged, or holds elements that no array here has.
 * @example
 * const bytes = io.writeNpy(np.array([1, 2]));
 * await io.readNpy(bytes); // [1, 2]
 * await io.readNpy(new Blob([bytes])); // [1, 2]
 */
export async function readNpy(from: Readable): Promise<NDArray> {
  const source = await sourceOf(from);
  const prefix = await source.read(0, Math.min(source.size, 12));
  const start = headerEnd(prefix, source.size);
  const header = npyHeader(await source.read(0, start), source.size);
  return arrayOf(await source.read(header.start, header.nbytes), header);
}

/** The array in the bytes of a file, which become its own. */
export function npyOf(bytes: Uint8Array<ArrayBuffer>): NDArray {
  const header = npyHeader(bytes, bytes.byteLength);
  return arrayOf(bytes.subarray(header.start, header.start + header.nbytes), header);
}

/** Where the header ends, by the first bytes of a file. */
function headerEnd(bytes: Uint8Array, size: number): number {
  const fail = (offset: number, reason: string): never => {
    throw new FileFormatError("npy", offset, reason);
  };
  MAGIC.forEach((byte, i) => {
    if (bytes[i] !== byte)
      fail(i, i < bytes.length ? `there is no .npy file: the magic bytes are not \\x93NUMPY` : "the file ends");
  });
  const version = bytes[6];
  if (bytes.length < 10) fail(bytes.length, "the file ends within the header");
  if (version < 1 || version > 3 || bytes[7] !== 0)
    fail(6, `the version is ${version}.${bytes[7]}, and 1.0, 2.0 and 3.0 are known`);
  if (version > 1 && bytes.length < 12) fail(bytes.length, "the file ends within the header");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [length, start] = version === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  if (length > MAX_HEADER) fail(8, `the header has ${length} bytes, and more than ${MAX_HEADER} are not read`);
  if (start + length > size) fail(8, `the header has ${length} bytes, and the file has only ${size - start} more`);
  return start + length;
}

/** The header of a file of `size` bytes, by its first bytes. */
export function npyHeader(bytes: Uint8Array, size: number): NpyHeader {
  const start = headerEnd(bytes.subarray(0, 12), size);
  const first = bytes[6] === 1 ? 10 : 12;
  const utf8 = bytes[6] === 3;
  const text = utf8
    ? new TextDecoder().decode(bytes.subarray(first, start))
    : String.fromCharCode(...bytes.subarray(first, start));
  const { descr, fortranOrder, shape, at } = parseHeader(text, first);
  const { dtype, bigEndian } = elementType(descr, at);
  const nbytes = bytesOf(shape, dtype);
  if (nbytes === null || nbytes > size - start) {
    throw new FileFormatError(
      "npy",
      start,
      `${nbytes ?? "more than 2^53"} bytes of elements should follow for shape (${shape.join(", ")}) of ${dtype}, and ${size - start} are there`,
    );
  }
  return { dtype, shape, fortranOrder, bigEndian, start, nbytes };
}

function elementType(descr: string, offset: number): { dtype: DType; bigEndian: boolean } {
  const refuse = (reason: string): never => {
    throw unsupportedElements("npy", offset, reason);
  };
  const match = /^([<>|=])?([A-Za-z])(\d*)/.exec(descr);
  if (match === null) return refuse(`the dtype is ${quoted(descr)}, which is none`);
  const [whole, order, kind, width] = match;
  if (kind === "O") refuse("there are Python objects (a pickle), which are never read");
  if ("SUaMm".includes(kind)) refuse(`the elements are texts or dates (${quoted(descr)})`);
  const dtype = whole === descr ? dtypeOfCode.get(kind + width) : undefined;
  if (dtype === undefined) return refuse(`the elements are ${quoted(descr)}, and no array here has such`);
  return { dtype, bigEndian: order === ">" };
}

/** The parts of a Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
function parseHeader(
  text: string,
  base: number,
): { descr: string; fortranOrder: boolean; shape: number[]; at: number } {
  let i = 0;
  const fail = (reason: string, where = i): never => {
    throw new FileFormatError("npy", base + where, reason);
  };
  /** The match of a sticky pattern here, after spaces. */
  const take = (pattern: RegExp): string | null => {
    while (" \t\n\r".includes(text[i] ?? "x")) i++;
    pattern.lastIndex = i;
    const match = pattern.exec(text);
    if (match === null) return null;
    i = pattern.lastIndex;
    return match[0];
  };
  const need = (pattern: RegExp, what: string): string => take(pattern) ?? fail(`${what} should stand in the header`);
  const string = (what: string): string => need(/'[^'\\]*'|"[^"\\]*"/y, what).slice(1, -1);
  const values = new Map<string, unknown>();
  let at = base;

  need(/\{/y, "'{'");
  while (take(/\}/y) === null) {
    if (values.size > 0) {
      need(/,/y, "',' or '}'");
      if (take(/\}/y) !== null) break;
    }
    const where = i;
    const key = string("a key");
    if (values.has(key)) fail(`the header has '${key}' twice`, where);
    need(/:/y, "':'");
    if (key === "descr") {
      if (take(/(?=\[)/y) !== null) {
        throw unsupportedElements("npy", base + i, "the elements are structures with several fields");
      }
      at = base + i + 1;
      values.set(key, string("the dtype as a text"));
    } else if (key === "fortran_order") {
      values.set(key, need(/True\b|False\b/y, "True or False") === "True");
    } else if (key === "shape") {
      values.set(key, tuple());
    } else {
      fail(`the header has the unknown key ${quoted(key)}`, where);
    }
  }
  take(/$/y);
  if (i !== text.length) fail("something follows the header's dictionary");
  for (const key of ["descr", "fortran_order", "shape"]) if (!values.has(key)) fail(`the header ends without '${key}'`);
  return {
    descr: values.get("descr") as string,
    fortranOrder: values.get("fortran_order") as boolean,
    shape: values.get("shape") as number[],
    at,
  };

  function tuple(): number[] {
    const shape: number[] = [];
    need(/\(/y, "the shape as a tuple");
    while (take(/\)/y) === null) {
      if (shape.length > 0) {
        need(/,/y, "',' or ')'");
        if (take(/\)/y) !== null) break;
      }
      const where = i;
      const digits = need(/\d+(?=L?\s*[,)])/y, "a dimension (an integer of 0 or more)");
      take(/L/y);
      const d = Number(digits);
      if (!Number.isSafeInteger(d)) fail(`a dimension is ${digits.slice(0, 40)}, which is too large`, where);
      if (shape.push(d) > MAX_RANK) fail(`the shape has more than ${MAX_RANK} dimensions`, where);
    }
    return shape;
  }
}

const pythonTuple = (shape: Shape): string => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);

/**
 * The bytes of a file with an array, as NumPy writes it.
 *
 * @throws DTypeError for random keys and for `float0`, which NumPy does not have.
 */
export function writeNpy(x: ArrayLike): Uint8Array<ArrayBuffer> {
  const { array, bytes } = bytesOfArray(x, "npy", (dtype) => dtype in codes);
  const { shape, dtype } = array;
  // room for the first dimension to grow, as NumPy leaves it
  const room = shape.length > 0 ? " ".repeat(21 - String(shape[0]).length) : "";
  const text = `{'descr': '${codes[dtype]!}', 'fortran_order': False, 'shape': ${pythonTuple(shape)}, }${room}`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const out = new Uint8Array(length + bytes.length);
  out.set([...MAGIC, 1, 0, (length - 10) & 0xff, (length - 10) >> 8]);
  out.set(new TextEncoder().encode(`${text.padEnd(length - 11)}\n`), 10);
  out.set(bytes, length);
  return out;
}
