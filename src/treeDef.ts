/**
 * The containers of a pytree: which values are containers, how one level of them is taken apart and closed again, and `TreeDef`, which
 * remembers all levels of a tree without its leaves.
 */
import { RematTypeError, RematValueError } from "./errors.ts";
import { keystr, keyText, type KeyEntry, type KeyPath } from "./treePath.ts";

/** How a class is taken apart and put together. */
export interface NodeRecord<C = unknown, A = unknown> {
  /** The children, in order, and whatever else is needed to put the object together: strings, numbers and plain data of these. */
  flatten(node: C): { readonly children: readonly unknown[]; readonly aux: A };
  unflatten(aux: A, children: readonly unknown[]): C;
  /** The attribute each child came from, for key paths. Default: `[0]`, `[1]`, ... */
  keys?(node: C): readonly string[];
}

export interface Registered extends NodeRecord {
  readonly name: string;
  readonly id: number;
}

type Constructor<C> = abstract new (...args: never) => C;

const registry = new Map<unknown, Registered>();

/**
 * Makes instances of a class containers. Subclasses are registered on their own.
 *
 *     registerNode(Dense, {
 *       flatten: (d) => ({ children: [d.weights, d.bias], aux: d.name }),
 *       unflatten: (name, [weights, bias]) => new Dense(name, weights, bias),
 *       keys: () => ["weights", "bias"],
 *     });
 */
export function registerNode<C, A>(cls: Constructor<C>, record: NodeRecord<C, A>): void {
  if (registry.has(cls)) {
    throw new RematValueError(`registerNode: the class ${cls.name} is registered already. Register each class once.`);
  }
  registry.set(cls, { ...(record as NodeRecord), name: cls.name, id: registry.size });
}

type Kind = "leaf" | "null" | "array" | "object" | "map" | "node";

/** The containers of a tree without its leaves. */
export class TreeDef {
  readonly kind: Kind;
  readonly children: readonly TreeDef[];
  /** The keys of an object or Map, in order. */
  readonly keys: readonly unknown[];
  readonly node: Registered | null;
  readonly aux: unknown;
  readonly numLeaves: number;
  #key: string | undefined;

  constructor(
    kind: Kind,
    children: readonly TreeDef[],
    keys: readonly unknown[] = [],
    node: Registered | null = null,
    aux: unknown = null,
  ) {
    this.kind = kind;
    this.children = children;
    this.keys = keys;
    this.node = node;
    this.aux = aux;
    let n = kind === "leaf" ? 1 : 0;
    for (const child of children) n += child.numLeaves;
    this.numLeaves = n;
  }

  /** Equal for equal tree definitions: a cache key. */
  get key(): string {
    return (this.#key ??= keyOf(this));
  }

  equals(other: TreeDef): boolean {
    if (this === other) return true;
    if (this.kind !== other.kind || this.numLeaves !== other.numLeaves) return false;
    const { kind, children, keys } = this;
    if (kind !== "array" && kind !== "object") return this.key === other.key;
    if (children.length !== other.children.length) return false;
    // Keys of objects are strings.
    for (let i = 0; i < keys.length; i++) if (keys[i] !== other.keys[i]) return false;
    for (let i = 0; i < children.length; i++) if (!children[i].equals(other.children[i])) return false;
    return true;
  }

  /** As JAX prints it: `PyTreeDef({'a': *, 'b': (*, *)})`. */
  toString(): string {
    return `PyTreeDef(${textOf(this)})`;
  }
}

export const LEAF = new TreeDef("leaf", []);
export const NULL = new TreeDef("null", []);

/** Definitions of `(*, *, ..., *)`, by length: the arguments of most functions. */
const flatTuples: TreeDef[] = [];
export const flatTuple = (n: number): TreeDef =>
  (flatTuples[n] ??= new TreeDef("array", new Array<TreeDef>(n).fill(LEAF)));

/** The definition of an array of trees. */
export function tupleDef(children: readonly TreeDef[]): TreeDef {
  return children.every((c) => c === LEAF) ? flatTuple(children.length) : new TreeDef("array", children);
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A text that is equal for equal keys and auxiliary data: plain data by contents, anything else by identity. */
export function plainKey(x: unknown): string {
  if (typeof x === "string") return JSON.stringify(x);
  if (typeof x !== "object" && typeof x !== "function") return `${typeof x}:${String(x)}`;
  if (x === null) return "null";
  if (Array.isArray(x)) return `[${x.map(plainKey).join()}]`;
  if (Object.getPrototypeOf(x) === Object.prototype) {
    return `{${Object.entries(x)
      .map(([k, v]) => `${JSON.stringify(k)}:${plainKey(v)}`)
      .join()}}`;
  }
  let id = identities.get(x);
  if (id === undefined) identities.set(x, (id = nextIdentity++));
  return `@${id}`;
}

function keyOf(def: TreeDef): string {
  const children = def.children.map((c) => c.key);
  switch (def.kind) {
    case "leaf":
      return "*";
    case "null":
      return "n";
    case "array":
      return `(${children.join()})`;
    case "object":
      return `{${children.map((c, i) => `${plainKey(def.keys[i])}:${c}`).join()}}`;
    case "map":
      return `<${children.map((c, i) => `${plainKey(def.keys[i])}:${c}`).join()}>`;
    case "node":
      return `#${def.node!.id}[${plainKey(def.aux)}](${children.join()})`;
  }
}

function textOf(def: TreeDef): string {
  const children = def.children.map(textOf);
  switch (def.kind) {
    case "leaf":
      return "*";
    case "null":
      return "None";
    case "array":
      return children.length === 1 ? `(${children[0]},)` : `(${children.join(", ")})`;
    case "object":
    case "map":
      return `{${children.map((c, i) => `${keyText(def.keys[i])}: ${c}`).join(", ")}}`;
    case "node":
      return `CustomNode(${def.node!.name}[${plainKey(def.aux)}], [${children.join(", ")}])`;
  }
}

export interface Level {
  readonly kind: Kind;
  readonly children: readonly unknown[];
  readonly keys: readonly unknown[];
  readonly node: Registered | null;
  readonly aux: unknown;
}

const NONE: readonly never[] = [];
export const NULL_LEVEL: Level = { kind: "null", children: NONE, keys: NONE, node: null, aux: null };

function mapKeys(map: ReadonlyMap<unknown, unknown>): unknown[] {
  const keys = [...map.keys()];
  if (keys.every((k) => typeof k === "string")) return keys.sort();
  if (keys.every((k) => typeof k === "number")) return keys.sort((a, b) => a - b);
  return keys;
}

function isPlainObject(x: object): boolean {
  const proto = Object.getPrototypeOf(x) as object | null;
  // objects of another realm (a Jupyter kernel's, an iframe's) have an Object.prototype of their own
  return (
    proto === Object.prototype ||
    proto === null ||
    (Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, "isPrototypeOf"))
  );
}

/** Takes one container apart; null for a leaf. */
export function open(x: unknown): Level | null {
  if (x === null) return NULL_LEVEL;
  if (typeof x !== "object") return null;
  if (Array.isArray(x)) return { kind: "array", children: x, keys: NONE, node: null, aux: null };
  if (isPlainObject(x)) {
    const keys = Object.keys(x).sort();
    return {
      kind: "object",
      children: keys.map((k) => (x as Record<string, unknown>)[k]),
      keys,
      node: null,
      aux: null,
    };
  }
  if (x instanceof Map) {
    const keys = mapKeys(x);
    return { kind: "map", children: keys.map((k): unknown => x.get(k)), keys, node: null, aux: null };
  }
  const node = registry.size === 0 ? undefined : registry.get(x.constructor);
  if (node === undefined) return null;
  const { children, aux } = node.flatten(x);
  return { kind: "node", children, keys: node.keys?.(x) ?? NONE, node, aux };
}

export function stepOf(level: Level, i: number): KeyEntry {
  switch (level.kind) {
    case "object":
    case "map":
      return { kind: "key", key: level.keys[i] };
    case "node":
      return i < level.keys.length ? { kind: "attribute", name: String(level.keys[i]) } : { kind: "index", index: i };
    default:
      return { kind: "index", index: i };
  }
}

export function close(def: TreeDef, children: readonly unknown[]): unknown {
  switch (def.kind) {
    case "object":
      return Object.fromEntries(def.keys.map((k, i) => [k, children[i]]));
    case "map":
      return new Map(def.keys.map((k, i) => [k, children[i]]));
    case "node":
      return def.node!.unflatten(def.aux, children);
    default:
      return children;
  }
}

export function undefinedError(path: KeyPath): RematTypeError {
  const where = path.length === 0 ? "the tree itself is" : `at ${keystr(path)} there is`;
  return new RematTypeError(
    `a tree of arrays was expected, but ${where} undefined. Return a value from the function, check the name of the property, ` +
      "or write null for nothing.",
  );
}
