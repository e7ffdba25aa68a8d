/** Values of the corpus (FORMAT.md §1.1) as arrays of this library and back, and how close they are (§4). */
import { ConcreteArray, NDArray } from "../../src/core/array.ts";
import { ShapedArray, sizeOf } from "../../src/core/aval.ts";
import { dtypes, type DType } from "../../src/core/dtype.ts";
import { allocate, readElement, writeElement, type Element } from "../../src/core/scalar.ts";
import { isFields, type ArraySpec, type Fields, type Json } from "./spec.ts";

const LONG = new Map<string, DType>(Object.entries(dtypes).map(([long, info]) => [info.short, long as DType]));

const TOLERANCE: Readonly<Record<string, number>> = {
  f32: 1e-4,
  c64: 1e-4,
  f64: 1e-9,
  c128: 1e-9,
  f16: 2e-2,
  bf16: 5e-2,
};

function elementFrom(v: Json): Element {
  if (Array.isArray(v)) return { re: Number(elementFrom(v[0])), im: Number(elementFrom(v[1])) };
  if (typeof v === "string") return Number(v.replace("inf", "Infinity"));
  return v as number | boolean;
}

/** The concrete array of an `{ dtype, shape, data }` object. */
export function arrayOf(spec: Omit<ArraySpec, "name">): ConcreteArray {
  const dtype = LONG.get(spec.dtype)!;
  const aval = new ShapedArray(spec.shape, dtype);
  const data = allocate(aval);
  spec.data?.forEach((v, i) => {
    const element = elementFrom(v);
    const wide = dtype === "int64" || dtype === "uint64";
    writeElement(data, dtype, i, wide ? BigInt(element as number) : element);
  });
  return new ConcreteArray(aval, data);
}

/**
 * An input of a program: an array, or for a weak one a host scalar. Integral numbers say what they are: where one differentiates, a bare 2
 * would be a float, elsewhere an integer.
 */
export function inputOf(spec: ArraySpec, float: (v: number) => unknown, int: (v: number) => unknown): unknown {
  if (spec.weak !== true) return arrayOf(spec);
  const v = elementFrom(spec.data![0]);
  return typeof v === "number" && Number.isInteger(v) ? (/^(?:f|bf)\d/.test(spec.dtype) ? float(v) : int(v)) : v;
}

const tagged = <T = readonly Json[]>(e: Json, tag: string): T | undefined =>
  isFields(e) ? (e[tag] as T | undefined) : undefined;

const isLeaf = (e: Json): e is Fields => isFields(e) && "dtype" in e && "shape" in e;

/** A value of the corpus as a tree of arrays. */
export function treeOf(e: Json): unknown {
  if (e === null) return null;
  if (Array.isArray(e)) return e.map(treeOf);
  const f = isFields(e) ? e : {};
  if (isLeaf(f)) return arrayOf(f as unknown as ArraySpec);
  if ("list" in f) return (f["list"] as Json[]).map(treeOf);
  return Object.fromEntries(Object.entries(f["dict"] as Fields).map(([k, v]) => [k, treeOf(v)]));
}

/** How a result differs from the expected value, or null if it is close enough. */
export function difference(got: unknown, expected: Json, path = ""): string | null {
  const at = path === "" ? "" : `at ${path}: `;
  if (expected === null) return got === null ? null : `${at}expected null, got ${describe(got)}`;
  if (isLeaf(expected)) return leafDifference(got, expected as unknown as ArraySpec, at);
  const list = Array.isArray(expected) ? (expected as readonly Json[]) : tagged(expected, "list");
  if (list !== undefined) {
    if (!Array.isArray(got) || got.length !== list.length)
      return `${at}expected ${list.length} members, got ${describe(got)}`;
    return first(list.map((e, i) => () => difference(got[i], e, `${path}[${i}]`)));
  }
  const dict = tagged<Fields>(expected, "dict") ?? {};
  if (typeof got !== "object" || got === null || got instanceof NDArray)
    return `${at}expected an object, got ${describe(got)}`;
  const members = got as Record<string, unknown>;
  const [a, b] = [Object.keys(dict).sort().join(), Object.keys(members).sort().join()];
  if (a !== b) return `${at}expected the members ${a}, got ${b}`;
  return first(Object.keys(dict).map((k) => () => difference(members[k], dict[k], `${path}.${k}`)));
}

function first(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const found = check();
    if (found !== null) return found;
  }
  return null;
}

const describe = (x: unknown): string =>
  x instanceof NDArray
    ? x.aval.toString()
    : Array.isArray(x)
      ? `an array of ${x.length}`
      : x === null
        ? "null"
        : typeof x;

function leafDifference(value: unknown, expected: Omit<ArraySpec, "name">, at: string): string | null {
  const type = `${expected.dtype}[${expected.shape.join()}]`;
  // a host scalar that was passed through
  const got =
    typeof value === "number" || typeof value === "boolean"
      ? { type, elements: [value as Element] }
      : elementsOf(value);
  if (got === null) return `${at}expected ${type}, got ${describe(value)}`;
  if (got.type !== type) return `${at}expected ${type}, got ${got.type}`;
  if (expected.dtype === "float0") return null;
  const want = expected.data!.map(elementFrom);
  const parts = (e: Element): readonly number[] => (typeof e === "object" ? [e.re, e.im] : [Number(e)]);
  const scale = Math.max(1, ...want.flatMap(parts).filter(Number.isFinite).map(Math.abs));
  const t = (TOLERANCE[expected.dtype] ?? 0) * scale;
  const size = sizeOf(expected.shape);
  for (let i = 0; i < size; i++) {
    const [a, b] = [parts(got.elements[i]), parts(want[i])];
    for (let j = 0; j < b.length; j++) {
      const same = Object.is(a[j], b[j]) || a[j] === b[j] || Math.abs(a[j] - b[j]) <= t;
      if (!same) return `${at}element ${i} of ${type}: expected ${b.join("+i")}, got ${a.join("+i")}`;
    }
  }
  return null;
}

function elementsOf(x: unknown): { type: string; elements: readonly Element[] } | null {
  if (!(x instanceof ConcreteArray)) return null;
  const elements =
    x.dtype === "float0" ? [] : Array.from({ length: x.size }, (_, i) => readElement(x.data, x.dtype, i));
  return { type: `${shortType(x)}[${x.shape.join()}]`, elements };
}

/** A host scalar that was handed through is a 64-bit number, here as in Python. */
function shortType(x: ConcreteArray): string {
  const { short, kind } = dtypes[x.dtype];
  if (!x.literal || !x.weakType) return short;
  return kind === "float" ? "f64" : kind === "int" ? "i64" : short;
}
