/**
 * `.safetensors` files, in which models are shared: eight bytes with the length of a header, the header (JSON: names, dtypes, shapes and
 * places), and the elements of all tensors without gaps. The header is all that has to be read to get at any one tensor.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import type { ArrayLike } from "../numpy/asarray.ts";
import { arrayOf, bytesOf, bytesOfArray, MAX_RANK } from "./elements.ts";
import { FileFormatError, unsupportedElements } from "./errors.ts";
import { JsonProblem, JsonReader, quoted } from "./json.ts";
import { sourceOf, type ByteSource, type Readable } from "./source.ts";

/** The format's own limit. */
const MAX_HEADER = 100_000_000;

/** The names of dtypes in files, in the order in which their tensors are written: the widest first, so that all are aligned. */
const codes: Readonly<Partial<Record<DType, string>>> = {
  uint64: "U64",
  int64: "I64",
  float64: "F64",
  complex64: "C64",
  float32: "F32",
  uint32: "U32",
  int32: "I32",
  bfloat16: "BF16",
  float16: "F16",
  uint16: "U16",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};
const order = Object.keys(codes) as DType[];
const dtypeOfCode = new Map(order.map((dtype) => [codes[dtype]!, dtype]));

/** What the header says of a tensor. */
export interface TensorInfo {
  /** As in the file: reading makes a 64-bit dtype a 32-bit one unless `enableX64` is set. */
  readonly dtype: DType;
  readonly shape: Shape;
  /** The first byte of its elements in the file, and their number. */
  readonly offset: number;
  readonly nbytes: number;
}

/** A file of which tensors are read when they are asked for. */
export interface SafetensorsFile {
  /** The tensors, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Texts by name that the writer has left. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads a tensor: these bytes, and no others. */
  get(name: string): Promise<NDArray>;
}

/** All that is in a file. */
export interface Safetensors {
  readonly tensors: Record<string, NDArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafetensorsOptions {
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Opens a file: only its header is read and checked.
 *
 * @throws FileFormatError if it is not one, or is damaged.
 * @example
 * const bytes = io.writeSafetensors({ "layers.0.w": np.array([1, 2]) });
 * const file = await io.openSafetensors(bytes); // or a handle: await open("model.safetensors")
 * await file.get("layers.0.w"); // [1, 2]
 */
export async function openSafetensors(from: Readable): Promise<SafetensorsFile> {
  const source = await sourceOf(from);
  const { tensors, metadata } = await readHeader(source);
  return {
    tensors,
    metadata,
    async get(name) {
      const info = tensors.get(name);
      if (info === undefined) {
        const some = [...tensors.keys()].slice(0, 20).join(", ");
        throw new RematValueError(
          `tensor '${name}' was asked of a file with ${tensors.size} tensors: ${some}. Ask for one of them.`,
        );
      }
      return arrayOf(await source.read(info.offset, info.nbytes), info);
    },
  };
}

/** Reads all tensors of a file, by name. */
export async function readSafetensors(from: Readable): Promise<Safetensors> {
  const file = await openSafetensors(from);
  const tensors: [string, NDArray][] = [];
  for (const name of file.tensors.keys()) tensors.push([name, await file.get(name)]);
  return { tensors: Object.fromEntries(tensors), metadata: file.metadata };
}

interface Header {
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

async function readHeader(source: ByteSource): Promise<Header> {
  const fail = (offset: number, reason: string): never => {
    throw new FileFormatError("safetensors", offset, reason);
  };
  if (source.size < 8) fail(source.size, "the file ends within the length of its header");
  const prefix = await source.read(0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER) fail(0, `the header has ${length} bytes, and more than ${MAX_HEADER} are not read`);
  if (Number(length) > source.size - 8)
    fail(0, `the header has ${length} bytes, and the file has only ${source.size - 8} more`);
  const start = 8 + Number(length);
  try {
    return parseHeader(await source.read(8, Number(length)), start, source.size);
  } catch (error) {
    if (error instanceof JsonProblem) return fail(8 + error.offset, error.message);
    throw error;
  }
}

function parseHeader(bytes: Uint8Array, start: number, size: number): Header {
  const json = new JsonReader(bytes);
  const tensors = new Map<string, TensorInfo>();
  const metadata: [string, string][] = [];
  if (bytes[0] !== 123) json.fail("the header does not begin with '{'");
  json.object((name, offset) => {
    if (name === "__metadata__") json.object((key) => void metadata.push([key, json.string()]));
    else tensors.set(name, parseTensor(json, name, offset, start));
  });
  json.end();

  let end = start;
  for (const [name, info] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.nbytes - b.nbytes)) {
    if (info.offset !== end) {
      const what = info.offset < end ? "overlaps the one before" : "leaves a gap to the one before";
      throw new FileFormatError(
        "safetensors",
        info.offset,
        `tensor ${quoted(name)} ${what}, which ends at byte ${end}`,
      );
    }
    end += info.nbytes;
  }
  if (end !== size) {
    const what = end > size ? "and the file ends before" : "and something follows";
    throw new FileFormatError(
      "safetensors",
      Math.min(end, size),
      `the tensors should end at byte ${end} of ${size}, ${what}`,
    );
  }
  return { tensors, metadata: Object.fromEntries(metadata) };
}

function parseTensor(json: JsonReader, name: string, offset: number, start: number): TensorInfo {
  let code: string | null = null;
  let shape: number[] | null = null;
  let range: number[] | null = null;
  let codeOffset = 0;
  const counts = (what: string, most: number): number[] => {
    const out: number[] = [];
    json.list((i) => {
      if (i === most) json.fail(`${what} has more than ${most} numbers`);
      out.push(json.count(what));
    });
    return out;
  };
  json.object((key) => {
    if (key === "dtype") {
      codeOffset = json.offset;
      code = json.string();
    } else if (key === "shape") shape = counts(`the shape of tensor ${quoted(name)}`, MAX_RANK);
    else if (key === "data_offsets") range = counts(`the place of tensor ${quoted(name)}`, 2);
    else json.skip();
  });
  return checkTensor(json, name, offset, start, { code, codeOffset, shape, range });
}

function checkTensor(
  json: JsonReader,
  name: string,
  offset: number,
  start: number,
  found: { code: string | null; codeOffset: number; shape: number[] | null; range: number[] | null },
): TensorInfo {
  const { code, codeOffset, shape, range } = found;
  if (code === null || shape === null || range?.length !== 2) {
    return json.fail(`tensor ${quoted(name)} lacks its dtype, its shape or the two numbers of its place`, offset);
  }
  const dtype = dtypeOfCode.get(code);
  if (dtype === undefined) {
    throw unsupportedElements(
      "safetensors",
      8 + codeOffset,
      `the elements of tensor ${quoted(name)} are ${quoted(code)}, and no array here has such`,
    );
  }
  const [begin, end] = range;
  const nbytes = bytesOf(shape, dtype);
  if (end - begin !== nbytes) {
    json.fail(
      `tensor ${quoted(name)} has ${end - begin} bytes, and its shape [${shape.join(", ")}] of ${code} needs ${nbytes ?? "more than 2^53"}`,
      offset,
    );
  }
  return { dtype, shape, offset: start + begin, nbytes: end - begin };
}

const byCodePoint = (a: string, b: string): number => {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i].codePointAt(0)! - y[i].codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
};

/**
 * The bytes of a file with tensors, piece by piece (the header, then each tensor's elements as they are), for files that should not stand in memory
 * twice.
 *
 * @example
 * for (const chunk of io.safetensorsChunks({ w: np.ones([3]) })) console.log(chunk.byteLength); // or: await handle.write(chunk)
 */
export function* safetensorsChunks(
  tensors: Readonly<Record<string, ArrayLike>>,
  options: SafetensorsOptions = {},
): Generator<Uint8Array, void, undefined> {
  const entries = Object.entries(tensors).map(([name, x]) => {
    if (name === "__metadata__") {
      throw new RematValueError(
        "a tensor was to be named __metadata__, which is the name of the metadata. Give it another name.",
      );
    }
    return { name, ...bytesOfArray(x, "safetensors", (dtype) => dtype in codes) };
  });
  entries.sort((a, b) => order.indexOf(a.array.dtype) - order.indexOf(b.array.dtype) || byCodePoint(a.name, b.name));
  const fields = options.metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(options.metadata)}`];
  let offset = 0;
  for (const { name, array, bytes } of entries) {
    const range = [offset, (offset += bytes.length)];
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: codes[array.dtype], shape: array.shape, data_offsets: range })}`,
    );
  }
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  const length = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(32);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(text, 8);
  yield head;
  for (const { bytes } of entries) yield bytes;
}

/** The bytes of a file with tensors and, if wanted, texts by name. */
export function writeSafetensors(
  tensors: Readonly<Record<string, ArrayLike>>,
  options: SafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const chunks = [...safetensorsChunks(tensors, options)];
  const out = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
