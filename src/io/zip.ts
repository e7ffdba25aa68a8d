/**
 * Zip archives, as far as `.npz` files need them: members that are stored or deflated, archives and members beyond 4 GiB when reading.
 *
 * The directory at the end of the file is the truth; each member's own header must agree with it. Ranges may not overlap, and no member
 * may unpack to more than the directory says: an archive that claims little and holds much, or the reverse, is found out in time.
 */
import { RematValueError } from "../errors.ts";
import { FileFormatError } from "./errors.ts";
import { quoted } from "./json.ts";
import type { ByteSource } from "./source.ts";

export interface ZipMember {
  readonly name: string;
  readonly deflated: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly header: number;
}

/** What a deflated byte can become at most. */
const MAX_RATIO = 1032;

const fail = (offset: number, reason: string): never => {
  throw new FileFormatError("npz", offset, reason);
};
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/** The members, by the directory of the archive. */
export async function zipMembers(source: ByteSource): Promise<ZipMember[]> {
  const directory = await findDirectory(source);
  const { offset, size, count } = directory;
  if (count * 46 > size) fail(offset, `the directory has ${size} bytes, too few for ${count} members`);
  const bytes = await source.read(offset, size);
  const members: ZipMember[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { member, next } = parseEntry(bytes, at, offset);
    if (names.has(member.name)) fail(offset + at, `there is a second member ${quoted(member.name)}`);
    names.add(member.name);
    members.push(member);
    at = next;
  }
  if (at !== size) fail(offset + at, `${size - at} bytes of the directory belong to no member`);
  let end = 0;
  for (const m of members.toSorted((a, b) => a.header - b.header)) {
    if (m.header < end) fail(m.header, `member ${quoted(m.name)} overlaps the one before`);
    end = m.header + 30 + m.packedSize;
    if (end > offset) fail(m.header, `member ${quoted(m.name)} of ${m.packedSize} bytes reaches into the directory`);
  }
  return members;
}

/** The record at the end of the file says where the directory is. */
async function findDirectory(source: ByteSource): Promise<Directory> {
  const length = Math.min(source.size, 22 + 0xffff);
  const base = source.size - length;
  const tail = await source.read(base, length);
  const view = viewOf(tail);
  for (let i = length - 22; i >= 0; i--) {
    if (view.getUint32(i, true) !== 0x06054b50 || i + 22 + view.getUint16(i + 20, true) !== length) continue;
    if (view.getUint16(i + 4, true) !== 0 || view.getUint16(i + 6, true) !== 0)
      fail(base + i, "the archive has several volumes");
    const [count, size, offset] = [
      view.getUint16(i + 10, true),
      view.getUint32(i + 12, true),
      view.getUint32(i + 16, true),
    ];
    if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) return largeDirectory(source, base + i);
    if (offset + size > base + i) fail(base + i, `the directory of ${size} bytes at ${offset} reaches beyond its end`);
    return { offset, size, count };
  }
  return fail(base, "there is no zip archive: its end record is missing");
}

/** The same for archives beyond 4 GiB or 65535 members. */
async function largeDirectory(source: ByteSource, end: number): Promise<Directory> {
  if (end < 20 + 56) fail(end, "the record for large archives is missing");
  const locator = viewOf(await source.read(end - 20, 20));
  const at = Number(locator.getBigUint64(8, true));
  if (locator.getUint32(0, true) !== 0x07064b50 || at > end - 20 - 56)
    fail(end - 20, "the record for large archives is missing");
  const record = viewOf(await source.read(at, 56));
  if (record.getUint32(0, true) !== 0x06064b50) fail(at, "the record for large archives is missing");
  const [count, size, offset] = [32, 40, 48].map((i) => Number(record.getBigUint64(i, true)));
  if (offset + size > at) fail(at, `the directory of ${size} bytes at ${offset} reaches beyond its end`);
  return { offset, size, count };
}

function parseEntry(bytes: Uint8Array, at: number, base: number): { member: ZipMember; next: number } {
  const view = viewOf(bytes);
  const here = base + at;
  if (at + 46 > bytes.length) fail(here, "the directory ends within a member");
  if (view.getUint32(at, true) !== 0x02014b50) fail(here, "an entry of the directory should begin");
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((i) => view.getUint16(at + i, true));
  const extra = at + 46 + nameLength;
  const next = extra + extraLength + commentLength;
  if (next > bytes.length) fail(here, "the directory ends within a member");
  const name = new TextDecoder().decode(bytes.subarray(at + 46, extra));
  if ((flags & 1) !== 0) fail(here + 8, `member ${quoted(name)} is encrypted`);
  if (method !== 0 && method !== 8)
    fail(here + 10, `member ${quoted(name)} is packed by method ${method}, and 0 (stored) and 8 (deflated) are known`);

  const large = largeSizes(view, extra, extra + extraLength);
  const sized = (offset: number): number => {
    const small = view.getUint32(at + offset, true);
    return small < 0xffffffff
      ? small
      : (large.shift() ?? fail(here + offset, `the size of member ${quoted(name)} is missing`));
  };
  const size = sized(24);
  const packedSize = sized(20);
  const header = sized(42);
  if (![size, packedSize, header].every(Number.isSafeInteger))
    fail(here + 20, `the size of member ${quoted(name)} is no number one can count to`);
  const deflated = method === 8;
  if (!deflated && size !== packedSize)
    fail(here + 20, `member ${quoted(name)} is stored, but its sizes are ${packedSize} and ${size}`);
  if (deflated && size > packedSize * MAX_RATIO + 64) {
    fail(here + 24, `member ${quoted(name)} claims to unpack ${packedSize} bytes to ${size}, more than deflate can`);
  }
  const crc = view.getUint32(at + 16, true);
  return { member: { name, deflated, crc, packedSize, size, header }, next };
}

/** Sizes of 64 bits, in a field of their own. */
function largeSizes(view: DataView, start: number, end: number): number[] {
  for (let i = start; i + 4 <= end;) {
    const [id, length] = [view.getUint16(i, true), view.getUint16(i + 2, true)];
    if (id === 1 && i + 4 + length <= end) {
      return Array.from({ length: Math.floor(length / 8) }, (_, k) => Number(view.getBigUint64(i + 4 + 8 * k, true)));
    }
    i += 4 + length;
  }
  return [];
}

/** The bytes of a member. */
export async function unzipped(source: ByteSource, member: ZipMember): Promise<Uint8Array<ArrayBuffer>> {
  const { name, header, packedSize, size } = member;
  const local = viewOf(await source.read(header, Math.min(30, source.size - header)));
  if (local.byteLength < 30 || local.getUint32(0, true) !== 0x04034b50)
    fail(header, `member ${quoted(name)} should begin`);
  const nameLength = local.getUint16(26, true);
  const start = header + 30 + nameLength + local.getUint16(28, true);
  if (start + packedSize > source.size)
    fail(header, `member ${quoted(name)} of ${packedSize} bytes reaches beyond the end`);
  const ownName = new TextDecoder().decode(await source.read(header + 30, nameLength));
  if (ownName !== name) fail(header + 30, `member ${quoted(name)} of the directory calls itself ${quoted(ownName)}`);
  const packed = await source.read(start, packedSize);
  const bytes = member.deflated ? await inflated(packed, size, name, start) : packed;
  if (crc32(bytes) !== member.crc) fail(start, `the checksum of member ${quoted(name)} is not that of its bytes`);
  return bytes;
}

/** Unpacks piece by piece, and stops where more comes than was announced. */
async function inflated(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
  name: string,
  offset: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = streamed(packed, new DecompressionStream("deflate-raw"));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > size) break;
      pieces.push(value);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(offset, `member ${quoted(name)} can not be unpacked: ${why}`);
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (length !== size)
    fail(
      offset,
      `member ${quoted(name)} unpacks to ${length > size ? "more" : "fewer"} than the ${size} bytes it should have`,
    );
  return joined(pieces, size);
}

interface ByteReader {
  read(): Promise<
    { readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: unknown }
  >;
  cancel(): Promise<void>;
}

function streamed(bytes: Uint8Array<ArrayBuffer>, transform: CompressionStream | DecompressionStream): ByteReader {
  const writer = transform.writable.getWriter();
  // errors show when reading
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  return transform.readable.getReader() as ByteReader;
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = streamed(bytes, new CompressionStream("deflate-raw"));
  const pieces: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
  }
  return joined(
    pieces,
    pieces.reduce((n, p) => n + p.length, 0),
  );
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** The checksum of zip archives. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = crcTable[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** 1 January 1980, the first day there is: equal arrays make equal files. */
const DATE = 0x0021;

/** An archive of members. */
export async function zipped(
  members: readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[],
  compress: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, bytes] of members) {
    const encoded = new TextEncoder().encode(name);
    const packed = compress ? await deflated(bytes) : bytes;
    // version, flags (the name is UTF-8), method, time, date, checksum, sizes, length of the name, no extra field
    const common = new DataView(new ArrayBuffer(26));
    [20, 0x800, compress ? 8 : 0, 0, DATE].forEach((x, i) => common.setUint16(2 * i, x, true));
    [crc32(bytes), packed.length, bytes.length].forEach((x, i) => common.setUint32(10 + 4 * i, x, true));
    common.setUint16(22, encoded.length, true);
    const fields = new Uint8Array(common.buffer);
    directory.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), fields, new Uint8Array(10), word(offset), encoded);
    pieces.push(Uint8Array.of(0x50, 0x4b, 3, 4), fields, encoded, packed);
    offset += 30 + encoded.length + packed.length;
  }
  const size = directory.reduce((n, p) => n + p.length, 0);
  if (offset + size > 0xfffffffe || members.length > 0xfffe) {
    throw new RematValueError(
      `an archive of ${members.length} members and ${offset + size} bytes was to be written, and 65534 members and 4 GiB are the most. ` +
        "Write several files, or a .safetensors file.",
    );
  }
  const count = Uint8Array.of(members.length & 0xff, members.length >> 8);
  const end = [Uint8Array.of(0x50, 0x4b, 5, 6, 0, 0, 0, 0), count, count, word(size), word(offset), new Uint8Array(2)];
  return joined([...pieces, ...directory, ...end], offset + size + 22);
}

const word = (x: number): Uint8Array => Uint8Array.of(x & 0xff, (x >>> 8) & 0xff, (x >>> 16) & 0xff, x >>> 24);
