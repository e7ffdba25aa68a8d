/** NumPy's `.npz` files: zip archives of `.npy` files, one for each array. */
import type { NDArray } from "../core/array.ts";
import { RematValueError } from "../errors.ts";
import type { ArrayLike } from "../numpy/asarray.ts";
import { FileFormatError } from "./errors.ts";
import { quoted } from "./json.ts";
import { npyOf, writeNpy } from "./npy.ts";
import { sourceOf, type Readable } from "./source.ts";
import { unzipped, zipMembers, zipped } from "./zip.ts";

export interface NpzOptions {
  /** The most bytes that the arrays may unpack to, all together; 4 GiB if not given. A small archive can hold a lot of zeros. */
  readonly maxBytes?: number;
}

/** An archive of which arrays are read when they are asked for. */
export interface NpzFile {
  /** The names of the arrays, without `.npy`. */
  readonly names: readonly string[];
  /** Reads an array. */
  get(name: string): Promise<NDArray>;
}

/**
 * Opens an archive: only its directory is read.
 *
 * @throws FileFormatError if it is not one, or is damaged.
 * @example
 * const bytes = await io.writeNpz({ w: np.array([1, 2]), b: np.zeros([3]) });
 * const file = await io.openNpz(bytes); // or a handle: await open("weights.npz")
 * await file.get("w"); // [1, 2]
 */
export async function openNpz(from: Readable, options: NpzOptions = {}): Promise<NpzFile> {
  const { maxBytes = 2 ** 32 } = options;
  const source = await sourceOf(from);
  const members = new Map(
    (await zipMembers(source)).filter((m) => m.name.endsWith(".npy")).map((m) => [m.name.slice(0, -4), m] as const),
  );
  let total = 0;
  for (const m of members.values()) {
    total += m.size;
    if (total > maxBytes) {
      throw new FileFormatError(
        "npz",
        m.header,
        `the arrays up to ${quoted(m.name)} unpack to ${total} bytes, and ${maxBytes} are allowed`,
        "Raise maxBytes if you trust the file.",
      );
    }
  }
  const names = [...members.keys()];
  return {
    names,
    async get(name) {
      const member = members.get(name);
      if (member === undefined) {
        throw new RematValueError(
          `array '${name}' was asked of an archive that has ${names.join(", ")}. Ask for one of them.`,
        );
      }
      const bytes = await unzipped(source, member);
      try {
        return npyOf(bytes);
      } catch (error) {
        if (!(error instanceof FileFormatError)) throw error;
        throw new FileFormatError("npz", error.offset, `of member ${quoted(member.name)} ${error.reason}`);
      }
    },
  };
}

/** Reads all arrays of an archive, by name. */
export async function readNpz(from: Readable, options: NpzOptions = {}): Promise<Record<string, NDArray>> {
  const file = await openNpz(from, options);
  const arrays: [string, NDArray][] = [];
  for (const name of file.names) arrays.push([name, await file.get(name)]);
  return Object.fromEntries(arrays);
}

/**
 * The bytes of an archive with arrays, which NumPy's `load` reads. Deflated with `compress`.
 *
 * @example
 * const bytes = await io.writeNpz({ w: np.ones([3, 3]), b: np.zeros([3]) }, { compress: true });
 */
export async function writeNpz(
  arrays: Readonly<Record<string, ArrayLike>>,
  options: { readonly compress?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return zipped(
    Object.entries(arrays).map(([name, x]) => [`${name}.npy`, writeNpy(x)] as const),
    options.compress ?? false,
  );
}
