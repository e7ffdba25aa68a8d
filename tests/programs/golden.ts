/** Reads what JAX makes of the functions of `cases.ts`, and makes the same of ours: see `scripts/golden/programs.py`. */
import { readFileSync } from "node:fs";
import { dtypes, isInexact } from "../../src/core/dtype.ts";
import { enableX64, jvp, makeJaxpr, vjp, vmap, type DType, type NDArray } from "../../src/index.ts";
import { flatten } from "../../src/tree.ts";
import { arrayOf } from "../corpus/values.ts";
import type { Case } from "./cases.ts";

export type Part = "jvp" | "vjp" | "vmap";
type Element = number | string | boolean | readonly Element[];
export type Encoded = readonly [dtype: DType, shape: readonly number[], data: readonly Element[]];

interface Program {
  readonly program: string;
  readonly with: readonly Encoded[];
  readonly values: readonly Encoded[];
}

export interface Golden extends Partial<Readonly<Record<Part, Program>>> {
  readonly args: readonly Encoded[];
  readonly program?: string;
  readonly values: readonly Encoded[];
}

export const goldenOf = (family: string): Readonly<Record<string, Golden>> =>
  JSON.parse(readFileSync(new URL(`${family}.json`, import.meta.url), "utf8")) as Readonly<Record<string, Golden>>;

const arrays = (xs: readonly Encoded[]): NDArray[] =>
  xs.map(([dtype, shape, data]) => arrayOf({ dtype: dtypes[dtype].short, shape, data }));

export interface Made {
  readonly program: string;
  readonly values: readonly NDArray[];
}

/** What ours makes: the program and values of the function itself, or of a part. */
export function made(fn: Case, golden: Golden, part: Part | "itself"): Made {
  const args = arrays(golden.args);
  const leaves = (...xs: NDArray[]): NDArray[] => flatten(fn(...xs)).leaves as NDArray[];
  const run = (f: (...xs: NDArray[]) => unknown, xs: readonly NDArray[]): Made => ({
    program: String(makeJaxpr(f as never)(...(xs as never[]))),
    values: flatten(f(...xs)).leaves as NDArray[],
  });
  if (part === "itself") return run(leaves, args);
  const given = arrays(golden[part]!.with);
  if (part === "vmap") return run(vmap(leaves as (...xs: never[]) => NDArray[]) as never, given);
  const moving = args.flatMap((x, i) => (isInexact(x.dtype) ? [i] : []));
  const ofMoving = (...xs: NDArray[]): NDArray[] => {
    const all = [...args];
    moving.forEach((i, k) => (all[i] = xs[k]));
    return leaves(...all).filter((y) => isInexact(y.dtype));
  };
  const xs = moving.map((i) => args[i]);
  const push = jvp as unknown as (f: unknown, xs: unknown, ts: unknown) => readonly [unknown, unknown];
  const pull = vjp as unknown as (f: unknown, ...xs: unknown[]) => readonly [unknown, (cts: unknown) => unknown];
  return run(
    (...all) => {
      const [given, with_] = [all.slice(0, xs.length), all.slice(xs.length)];
      return part === "jvp" ? push(ofMoving, given, with_)[1] : pull(ofMoving, ...given)[1](with_);
    },
    [...xs, ...given],
  );
}

/** Runs in 64 bits where the name says so. */
export function withBits<T>(name: string, run: () => T): T {
  enableX64(name.startsWith("x64 "));
  try {
    return run();
  } finally {
    enableX64(false);
  }
}

const flat = (x: unknown): unknown[] => (Array.isArray(x) ? x.flatMap(flat) : [x]);

/** Numbers of an array, complex ones as two. */
export const numbers = (x: NDArray): number[] =>
  flat(x.toJS()).flatMap((v) => (typeof v === "object" ? Object.values(v as object).map(Number) : [Number(v)]));

export const numbersOfGolden = (x: Encoded): number[] => flat(x[2]).map(Number);

/** The largest difference of an array from the golden one, relative to the largest number there. */
export function distance(got: NDArray, want: Encoded): number {
  const [p, q] = [numbers(got), numbersOfGolden(want)];
  const size = Math.max(1e-3, ...q.map(Math.abs).filter(Number.isFinite));
  return p.reduce(
    (far, x, i) => (Object.is(x, q[i]) || x === q[i] ? far : Math.max(far, Math.abs(x - q[i]) / size || 1)),
    0,
  );
}
