/**
 * Between bytes in files and arrays. Files hold elements in the byte order of x86 and ARM, which is that of JavaScript's arrays on every
 * machine it runs on; only big-endian files need their bytes swapped.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { ShapedArray, type Shape } from "../core/aval.ts";
import { dtypes, type DType, type TypedArray } from "../core/dtype.ts";
import { canonicalDType, readElement, writeElement } from "../core/scalar.ts";
import { concretizationError, DTypeError, RematValueError } from "../errors.ts";
import { concreteValue, toArray, type ArrayLike } from "../numpy/asarray.ts";

/** The largest rank that NumPy has. */
export const MAX_RANK = 64;

/** The bytes that a shape takes, or null if that is not a number one can count to. */
export function bytesOf(shape: Shape, dtype: DType): number | null {
  if (shape.includes(0)) return 0;
  let n = dtypes[dtype].bytes;
  for (const d of shape) {
    n *= d;
    if (n > Number.MAX_SAFE_INTEGER) return null;
  }
  return n;
}

export interface Layout {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly bigEndian?: boolean;
  /** The first axis changes fastest. */
  readonly fortranOrder?: boolean;
}

/**
 * The array of a file's bytes, which become its own. 64-bit elements become 32-bit ones unless `enableX64` is set, as always; integers that do
 * not fit are refused.
 */
export function arrayOf(bytes: Uint8Array<ArrayBuffer>, layout: Layout): NDArray {
  const { dtype, shape } = layout;
  const { bytes: width, lanes, storage: Storage } = dtypes[dtype];
  const atom = width / lanes;
  const aligned = bytes.byteOffset % atom === 0 ? bytes : bytes.slice();
  if (layout.bigEndian === true && atom > 1) swapBytes(aligned, atom);
  if (dtype === "bool") for (let i = 0; i < aligned.length; i++) aligned[i] = aligned[i] === 0 ? 0 : 1;
  const data = new Storage(aligned.buffer, aligned.byteOffset, aligned.byteLength / atom);
  const ordered = layout.fortranOrder === true && shape.length > 1 ? rowMajor(data, shape, lanes) : data;
  const target = canonicalDType(dtype);
  return new ConcreteArray(
    new ShapedArray(shape, target),
    target === dtype ? ordered : narrowed(ordered, dtype, target),
  );
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}

function rowMajor(data: TypedArray, shape: Shape, lanes: number): TypedArray {
  const out = data.slice();
  const strides: number[] = [];
  let stride = lanes;
  for (const d of shape) {
    strides.push(stride);
    stride *= d;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += lanes) {
    for (let lane = 0; lane < lanes; lane++) out[to + lane] = data[from + lane];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

function narrowed(data: TypedArray, from: DType, to: DType): TypedArray {
  const out = new dtypes[to].storage(data.length);
  const n = data.length / dtypes[from].lanes;
  for (let i = 0; i < n; i++) {
    const x = readElement(data, from, i);
    writeElement(out, to, i, x);
    if (typeof x === "bigint" && BigInt(out[i]) !== x) {
      throw new RematValueError(
        `element ${i} of an array of ${from} in a file is ${x}, which does not fit into ${to}. Call enableX64() before reading it.`,
      );
    }
  }
  return out;
}

/** The elements of an array as they stand in a file. They are the array's own, not to be written to. */
export function bytesOfArray(
  x: ArrayLike,
  format: string,
  known: (dtype: DType) => boolean,
): { array: ConcreteArray; bytes: Uint8Array } {
  const given = toArray(x, `a .${format} file`);
  const array = concreteValue(given);
  if (array === null) throw concretizationError(given, "item");
  const { dtype, data, size } = array;
  if (!known(dtype)) {
    throw new DTypeError(
      `an array of ${array.aval.toLongString()} was to be written to a .${format} file, which has no such elements. ` +
        "Convert it (np.astype); of a random key write random.keyData(key).",
    );
  }
  return { array, bytes: new Uint8Array(data.buffer, data.byteOffset, size * dtypes[dtype].bytes) };
}
