/**
 * Where bytes come from. Files can be larger than memory, so readers ask for ranges: of a buffer, of a `Blob` (a browser's `File`), of a file
 * handle of Node, or of anything else that can give a range, such as a server.
 */
import { RematTypeError, RematValueError, describe } from "../errors.ts";

/** Something that gives ranges of bytes. */
export interface ByteSource {
  /** The number of bytes there are. */
  readonly size: number;
  /** A range of them, in a buffer that the caller may keep. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A `Blob`, as browsers and Node have it. */
export interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file handle, as `open` of `node:fs/promises` gives it. */
export interface FileHandleLike {
  stat(): Promise<{ readonly size: number }>;
  read(
    buffer: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** What can be read. */
export type Readable = Uint8Array | ArrayBuffer | BlobLike | FileHandleLike | ByteSource;

const has = (x: object, name: string): boolean => typeof (x as Record<string, unknown>)[name] === "function";

/** The source of what can be read. */
export async function sourceOf(from: Readable): Promise<ByteSource> {
  if (from instanceof Uint8Array) return ofBytes(from);
  if (from instanceof ArrayBuffer) return ofBytes(new Uint8Array(from));
  if (typeof from === "object" && from !== null) {
    if (has(from, "stat")) return ofHandle(from as FileHandleLike);
    if (has(from, "slice")) return ofBlob(from as BlobLike);
    if (has(from, "read")) return checked(from as ByteSource);
  }
  throw new RematTypeError(
    `a file was to be read from ${describe(from)}. Give its bytes (Uint8Array, ArrayBuffer), a Blob, a file handle of Node (await open(path)), or ` +
      "an object { size, read(offset, length) }.",
  );
}

const ofBytes = (bytes: Uint8Array): ByteSource => ({
  size: bytes.byteLength,
  read: (offset, length) => Promise.resolve(new Uint8Array(bytes.subarray(offset, offset + length))),
});

const ofBlob = (blob: BlobLike): ByteSource =>
  checked({
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  });

/** The most bytes that are asked of a file handle at once: Node ends the process at 2 GiB. */
const MOST = 2 ** 30;

async function ofHandle(handle: FileHandleLike): Promise<ByteSource> {
  const { size } = await handle.stat();
  return checked({
    size,
    async read(offset, length) {
      const buffer = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, Math.min(length - done, MOST), offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    },
  });
}

/** A source that does not keep its word about its size is found out here. */
const checked = (source: ByteSource): ByteSource => ({
  size: source.size,
  async read(offset, length) {
    const bytes = await source.read(offset, length);
    if (bytes.byteLength === length) return bytes;
    throw new RematValueError(
      `${length} bytes at ${offset} were asked of a source of ${source.size} bytes, and ${bytes.byteLength} came. ` +
        "The file became shorter while it was read, or the source is not right.",
    );
  },
});
