/**
 * The programs of a function by the types of its arguments: how arguments are taken apart into what is traced and what is static, and which of the
 * programs traced before fits a call.
 */
import { argNames } from "../argNames.ts";
import { ConcreteArray, type NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { axisNamesKey } from "../core/axisNames.ts";
import { x64Enabled } from "../core/config.ts";
import { Tracer } from "../core/interpreter.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { identity, isReplaying } from "../core/memo.ts";
import { InvalidLeafError } from "../errors.ts";
import { flatten, unflatten, type TreeDef } from "../tree.ts";
import { leafArray, type AnyFunction } from "./flat.ts";

export interface Traced {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly resultTree: TreeDef;
}

/** The arguments that are traced, as flat arrays, and a way to put all arguments back together. */
export class SplitArgs {
  readonly leaves: NDArray[];
  readonly treedef: TreeDef;
  readonly statics: readonly number[];
  readonly #args: readonly unknown[];

  constructor(f: AnyFunction, args: readonly unknown[], statics: readonly number[]) {
    this.#args = args;
    this.statics = statics;
    const { leaves, treedef } = flatten(statics.length === 0 ? args : args.filter((_, i) => !statics.includes(i)));
    this.treedef = treedef;
    this.leaves = leaves.map((x, i) => {
      const leaf = leafArray(x, "asWritten");
      if (leaf === null) throw new InvalidLeafError(argNames(f, args, {}, statics)[i] ?? `args[${i}]`, x);
      return leaf;
    });
  }

  rebuild(leaves: readonly NDArray[]): readonly unknown[] {
    const dynamic = unflatten(this.treedef, leaves) as readonly unknown[];
    if (this.statics.length === 0) return dynamic;
    const isStatic = new Set(this.statics);
    let next = 0;
    return this.#args.map((x, i) => (isStatic.has(i) ? x : dynamic[next++]));
  }

  /** Tells apart calls that need a program of their own. */
  key(): string {
    const statics = this.statics.map((i) => `${i}=${staticKey(this.#args[i])}`);
    return `${this.treedef.key}|${this.leaves.map((x) => x.aval.key).join()}|${statics.join()}|${String(x64Enabled())}|${axisNamesKey()}`;
  }
}

/** A host scalar that was given its type: `float(2)`. It is as good a static value as a number. */
export const isHostScalar = (x: unknown): x is ConcreteArray => x instanceof ConcreteArray && x.literal && x.ndim === 0;

/** Static values are compared by value if they are primitive, else by identity. */
export function staticKey(x: unknown): string {
  if (isHostScalar(x)) return `${x.aval.key}:${String(x.host ?? x.data[0])}`;
  if ((typeof x === "object" && x !== null) || typeof x === "function") return `#${identity(x)}`;
  return `${typeof x}:${String(x)}${Object.is(x, -0) ? "-" : ""}`;
}

/** What the last call was traced for. A training loop asks for the same program again and again, and to make a key takes longer than to look. */
interface Latest {
  readonly treedef: TreeDef;
  readonly avals: readonly ShapedArray[];
  readonly x64: boolean;
  readonly axes: string;
  readonly traced: Traced;
}

/** Programs by function; a program that closes over a tracer of an ended transformation is not used again. */
export class TraceCache {
  readonly #direct = new Map<string, Traced>();
  readonly #replayed = new Map<string, Traced>();
  #latest: Latest | null = null;

  get(key: string, trace: () => Traced): Traced {
    const entries = isReplaying() ? this.#replayed : this.#direct;
    const known = entries.get(key);
    if (known !== undefined && isUsable(known)) return known;
    const traced = trace();
    entries.set(key, traced);
    return traced;
  }

  /** The program for these arguments. */
  of(split: SplitArgs, trace: () => Traced): Traced {
    if (split.statics.length > 0 || isReplaying()) return this.get(split.key(), trace);
    const latest = this.#latest;
    if (latest !== null && isSame(latest, split) && isUsable(latest.traced)) return latest.traced;
    const traced = this.get(split.key(), trace);
    const { treedef, leaves } = split;
    const avals = leaves.map((x) => x.aval);
    this.#latest = { treedef, avals, x64: x64Enabled(), axes: axisNamesKey(), traced };
    return traced;
  }
}

function isSame({ treedef, avals, x64, axes }: Latest, split: SplitArgs): boolean {
  if (x64 !== x64Enabled() || axes !== axisNamesKey() || !treedef.equals(split.treedef)) return false;
  const { leaves } = split;
  for (let i = 0; i < avals.length; i++) {
    const { aval } = leaves[i];
    if (aval !== avals[i] && aval.key !== avals[i].key) return false;
  }
  return true;
}

const isUsable = ({ closed }: Traced): boolean => closed.consts.every(isAlive);

const isAlive = (x: NDArray): boolean => !(x instanceof Tracer) || (x.trace as { live?: boolean }).live !== false;
