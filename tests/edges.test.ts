/**
 * The edges, where what NumPy-like functions answer is a matter of convention: empty and rank-0 arrays, NaN and signed zeros, integers
 * that overflow, floats that round, indices outside of an array. The answers are those of JAX on XLA's CPU, made by
 * `scripts/golden/edges.py`; values, dtypes and shapes are the same.
 */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { enableX64, float, lax, np, NDArray, RematError, type DType } from "../src/index.ts";

type Number_ = number | string | boolean | readonly [Number_, Number_];
interface Encoded {
  readonly array: readonly [DType, readonly number[], readonly Number_[]];
}
type Case = readonly [name: string, args: readonly unknown[], options: Readonly<Record<string, unknown>>, out: unknown];
type Groups = Readonly<Record<string, readonly Case[]>>;
type Call = (...args: readonly unknown[]) => unknown;

const golden = JSON.parse(readFileSync(new URL("edges/edges.json", import.meta.url), "utf8")) as {
  readonly narrow: Groups;
  readonly wide: Groups;
};

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const isArray = (x: unknown): x is Encoded => typeof x === "object" && x !== null && "array" in x;

function arrayOf([dtype, shape, values]: Encoded["array"]): NDArray {
  if (dtype.startsWith("complex")) {
    const [re, im] = [0, 1].map((part) => values.map((v) => Number((v as readonly Number_[])[part])));
    return np.reshape(lax.complex(np.array(re, "float32"), np.array(im, "float32")), shape);
  }
  const host = values.map((v) =>
    dtype.includes("int") ? BigInt(v as string) : dtype === "bool" ? v === true : Number(v),
  );
  return np.reshape(np.array(host, dtype), shape);
}

/** An argument of a file: inside of a list, and as an option, a float is a host number. */
function decoded(x: unknown, nested = false): unknown {
  if (isArray(x)) return arrayOf(x.array);
  if (Array.isArray(x)) return x.map((v) => decoded(v, true));
  if (typeof x !== "object" || x === null) return x;
  if ("slice" in x) return np.slice(...(x.slice as [number | null, number | null, number | null]));
  const value = Number((x as { readonly float: number | string }).float);
  return nested || !Number.isInteger(value) ? value : float(value);
}

function call([name, args, options]: Case): unknown {
  const given = args.map((x) => decoded(x));
  const named = Object.fromEntries(Object.entries(options).map(([key, x]) => [camel(key), decoded(x, true)]));
  if (Object.keys(named).length > 0) given.push(named);
  if (name === "at") {
    const [x, index, method, ...rest] = given as [NDArray, NDArray | number, string, ...unknown[]];
    return (np.at(x, index) as unknown as Record<string, Call>)[method](...rest);
  }
  const [module, leaf] = name === "conv" ? ["lax", "conv"] : name.split(".");
  return ((module === "np" ? np : lax) as unknown as Record<string, Call>)[camel(leaf)](...given);
}

const text = (v: unknown): Number_ => {
  if (typeof v === "boolean") return v;
  if (typeof v === "bigint") return -(2n ** 53n) < v && v < 2n ** 53n ? Number(v) : String(v);
  if (typeof v === "object") return [text((v as { re: number }).re), text((v as { im: number }).im)] as const;
  return !Number.isFinite(v) ? String(v) : Object.is(v, -0) ? "-0" : (v as number);
};

const flat = (x: unknown): unknown[] => (Array.isArray(x) ? x.flatMap(flat) : [x]);

function encoded(x: unknown): unknown {
  if (x instanceof NDArray) return { array: [x.dtype, x.shape, flat(x.toJS()).map(text)] };
  return Array.isArray(x) ? x.map(encoded) : x;
}

function outcome(one: Case): unknown {
  try {
    return encoded(call(one));
  } catch (error) {
    // What is not one of the library's errors is a bug of its own.
    return error instanceof RematError ? null : String(error);
  }
}

/** The largest relative error of what sums up, or is not a single operation of the processor. */
const TOLERANCE: Readonly<Partial<Record<DType, number>>> = {
  float16: 2e-3,
  bfloat16: 1.6e-2,
  float32: 1e-6,
  float64: 1e-14,
  complex64: 1e-6,
};
const APPROXIMATE =
  /^np\.(sum|nansum|mean|nanmean|std|var|prod|cumsum|cumprod|power|logspace|geomspace|linspace|logaddexp|hypot|arctan2|sign|arange|remainder|mod|round|einsum|matmul)$|^at$/;

function near(got: unknown, expected: unknown, tolerance: number): boolean {
  if (Array.isArray(got) && Array.isArray(expected)) {
    return got.length === expected.length && got.every((v, i) => near(v, expected[i], tolerance));
  }
  if (isArray(got) && isArray(expected)) {
    const [dtype, shape, values] = got.array;
    const [dtype2, shape2, values2] = expected.array;
    // A point of a linspace near zero is as exact as its ends are.
    const scale = Math.max(0, ...values2.map((v) => Math.abs(Number(v))).filter(Number.isFinite));
    const sameType = dtype === dtype2 && String(shape) === String(shape2);
    const within = tolerance === 0 ? 0 : (TOLERANCE[dtype] ?? 0) * tolerance;
    return (
      sameType &&
      values.length === values2.length &&
      values.every((v, i) => near(v, values2[i], 0) || nearNumbers(v, values2[i], within, tolerance > 1 ? scale : 0))
    );
  }
  return got === expected;
}

const nearNumbers = (got: Number_, expected: Number_, relative: number, scale: number): boolean =>
  Array.isArray(got) && Array.isArray(expected)
    ? got.every((v, i) => nearNumbers(v as Number_, expected[i] as Number_, relative, scale))
    : typeof got === "number" &&
      typeof expected === "number" &&
      Math.abs(got - expected) <= relative * Math.max(Math.abs(expected), scale);

const toleranceOf = (name: string): number => (name === "np.linspace" ? 2 : APPROXIMATE.test(name) ? 1 : 0);

const shown = (x: unknown): string => JSON.stringify(x);

afterEach(() => {
  enableX64(false);
});

describe.each(["narrow", "wide"] as const)("%s types", (width) => {
  it.each(Object.keys(golden[width]))("%s", (group) => {
    enableX64(width === "wide");
    const differences = golden[width][group].flatMap((one) => {
      const got = outcome(one);
      const [name, args, options, expected] = one;
      return near(got, expected, toleranceOf(name))
        ? []
        : [`${name} ${args.map(shown).join(" ")} ${shown(options)}: ${shown(got)} where JAX has ${shown(expected)}`];
    });
    expect(differences).toEqual([]);
  });
});
