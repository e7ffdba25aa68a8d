/**
 * Pytrees: nested containers of arrays, which every transformation takes and gives. A tree is taken apart into the flat list of its
 * leaves and a `TreeDef` that remembers the containers; whatever happens to the leaves, `unflatten` puts the containers around them
 * again.
 *
 * Containers are arrays (JAX's tuples and lists), plain objects and `Map`s (JAX's dictionaries: flattened in the sorted order of their
 * keys), and classes made known by `registerNode`. `null` is a tree without leaves. Everything else is a leaf, except `undefined`,
 * which is nearly always a forgotten `return` or a misspelt property and is refused.
 */
import type { NDArray } from "./core/array.ts";
import { RematTypeError, RematValueError } from "./errors.ts";
import {
  close,
  flatTuple,
  LEAF,
  NULL,
  NULL_LEVEL,
  open,
  plainKey,
  stepOf,
  TreeDef,
  undefinedError,
  type Level,
} from "./treeDef.ts";
import type { KeyPath } from "./treePath.ts";

export { registerNode, TreeDef, tupleDef, type NodeRecord } from "./treeDef.ts";
export { keystr, type KeyEntry, type KeyPath } from "./treePath.ts";

/** A tree with leaves of type `T`. For parameters whose type is an interface use `TreeOf`. */
export type Tree<T> =
  T | null | readonly Tree<T>[] | ReadonlyMap<string | number, unknown> | { readonly [key: string]: Tree<T> };

/** What is never looked into. */
type Opaque = NDArray | number | bigint | boolean | string | symbol | ((...args: never) => unknown) | ArrayBufferView;

/** A constraint that holds for trees of `T`, interfaces included: `<P extends TreeOf<P, NDArray>>(params: P) => ...`. */
export type TreeOf<P, T> = P extends T | null | Opaque
  ? Extract<P, T | null>
  : P extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, TreeOf<V, T>>
    : { readonly [K in keyof P]: TreeOf<P[K], T> };

/** The type of the leaves of a tree `P`. */
export type LeafOf<P> = P extends null
  ? never
  : P extends Opaque
    ? P
    : P extends ReadonlyMap<unknown, infer V>
      ? LeafOf<V>
      : P extends readonly (infer E)[]
        ? LeafOf<E>
        : P extends object
          ? LeafOf<P[keyof P]>
          : P;

/** A function whose parameters may be annotated more narrowly than what is known here. */
type Callback<A extends readonly unknown[], R> = { call(...args: A): R }["call"];

/** The type of a tree `P` after every leaf has become an `R`. */
export type MapTree<P, R> = P extends null
  ? null
  : P extends Opaque
    ? R
    : P extends ReadonlyMap<infer K, infer V>
      ? Map<K, MapTree<V, R>>
      : { -readonly [K in keyof P]: MapTree<P[K], R> };

/** Stops the descent: a subtree for which it is true is a leaf. */
export type IsLeaf = (x: unknown) => boolean;

export interface Flattened {
  readonly leaves: unknown[];
  readonly treedef: TreeDef;
}

/** `[{ b: x, a: [y, z] }]` to `[y, z, x]` and the definition `PyTreeDef(({'a': (*, *), 'b': *},))`. */
export function flatten(tree: unknown, isLeaf?: IsLeaf): Flattened {
  const leaves: unknown[] = [];
  try {
    return { leaves, treedef: flattenInto(tree, leaves, isLeaf) };
  } catch (error) {
    // where it stands is found out only when there is one
    if (error === FORGOTTEN) throw undefinedError(pathOfUndefined(tree) ?? []);
    if (error instanceof RangeError) throw endlessError(error);
    throw error;
  }
}

const FORGOTTEN = new RematTypeError("undefined in a tree");

/** The stack has run over. */
function endlessError(cause: RangeError): RematTypeError {
  const error = new RematTypeError(
    "a tree of arrays was expected, but this one has no end: an object or array holds itself.\n" +
      "Pass the arrays without the reference back, or register the class (registerNode) with the children that count.",
  );
  error.cause = cause;
  return error;
}

function flattenInto(tree: unknown, leaves: unknown[], isLeaf: IsLeaf | undefined): TreeDef {
  if (isLeaf?.(tree) === true) {
    leaves.push(tree);
    return LEAF;
  }
  const level = open(tree);
  if (level === null) {
    if (tree === undefined) throw FORGOTTEN;
    leaves.push(tree);
    return LEAF;
  }
  if (level === NULL_LEVEL) return NULL;
  const n = level.children.length;
  const children = new Array<TreeDef>(n);
  let allLeaves = true;
  for (let i = 0; i < n; i++) {
    const child = flattenInto(level.children[i], leaves, isLeaf);
    children[i] = child;
    if (child !== LEAF) allLeaves = false;
  }
  if (level.kind === "array" && allLeaves) return flatTuple(n);
  return new TreeDef(level.kind, children, level.keys, level.node, level.aux);
}

function pathOfUndefined(tree: unknown): KeyPath | null {
  if (tree === undefined) return [];
  const level = open(tree);
  for (const [i, child] of (level?.children ?? []).entries()) {
    const path = pathOfUndefined(child);
    if (path !== null) return [stepOf(level!, i), ...path];
  }
  return null;
}

/** The leaves of a tree, in order. */
export const leaves = (tree: unknown, isLeaf?: IsLeaf): unknown[] => flatten(tree, isLeaf).leaves;

/** The containers of a tree. */
export const structure = (tree: unknown, isLeaf?: IsLeaf): TreeDef => flatten(tree, isLeaf).treedef;

/** True if the value is a leaf, not a container (`null` is a container without children). */
export const isLeaf = (x: unknown): boolean => x !== undefined && open(x) === null;

/** Puts the containers around the leaves again. */
export function unflatten(treedef: TreeDef, leaves: Iterable<unknown>): unknown {
  const list = Array.isArray(leaves) ? (leaves as readonly unknown[]) : [...leaves];
  if (list.length !== treedef.numLeaves) {
    const few = list.length < treedef.numLeaves;
    throw new RematValueError(
      `Too ${few ? "few" : "many"} leaves for the tree ${treedef.toString()}; expected ${treedef.numLeaves}, got ${list.length}. ` +
        "Give one leaf for each of its places.",
    );
  }
  let at = 0;
  const build = (def: TreeDef): unknown => {
    if (def.kind === "leaf") return list[at++];
    if (def.kind === "null") return null;
    const children = new Array<unknown>(def.children.length);
    for (let i = 0; i < children.length; i++) children[i] = build(def.children[i]);
    return close(def, children);
  };
  return build(treedef);
}

/** The leaves of a tree with the path to each. */
export function flattenWithPath(tree: unknown, isLeaf?: IsLeaf): { readonly path: KeyPath; readonly leaf: unknown }[] {
  const out: { path: KeyPath; leaf: unknown }[] = [];
  const visit = (x: unknown, path: KeyPath): void => {
    const level = isLeaf?.(x) === true ? null : open(x);
    if (level !== null) level.children.forEach((child, i) => visit(child, [...path, stepOf(level, i)]));
    else if (x === undefined) throw undefinedError(path);
    else out.push({ path, leaf: x });
  };
  visit(tree, []);
  return out;
}

type PrefixReport = (what: string, prefix: unknown, full: unknown, isLeaf: IsLeaf | undefined) => RematValueError;

let reportPrefix: PrefixReport = (what) =>
  new RematValueError(
    `pytree structure error: ${what} is not a prefix of the full pytree. Give trees of the same structure, or a leaf in place of a whole subtree.`,
  );

/** Sets what says where two trees differ: `treePrefix.ts`, where messages are wanted in full. */
export function setPrefixReport(report: PrefixReport): void {
  reportPrefix = report;
}

/** Equal for containers that match: of one kind (objects and Maps are one), with the same keys. */
const levelKey = ({ kind, node, keys, aux, children }: Level): string =>
  kind === "object" || kind === "map"
    ? `dict ${keys.map(plainKey).sort().join()}`
    : `${node?.name ?? kind} ${plainKey(aux)} ${children.length}`;

/** The subtrees of `full` at the leaves of `prefix`, which must be a prefix of it. */
function subtreesAt(
  what: string,
  prefix: unknown,
  full: unknown,
  isLeaf?: IsLeaf,
): { at: unknown; subtree: unknown }[] {
  const out: { at: unknown; subtree: unknown }[] = [];
  const visit = (p: unknown, f: unknown): void => {
    const level = isLeaf?.(p) === true ? null : open(p);
    if (level === null) {
      if (p === undefined) throw undefinedError([]);
      out.push({ at: p, subtree: f });
      return;
    }
    const other = open(f);
    if (other === null || levelKey(level) !== levelKey(other)) throw reportPrefix(what, prefix, full, isLeaf);
    level.children.forEach((child, i) => visit(child, other.children[i]));
  };
  visit(prefix, full);
  return out;
}

/**
 * One value for each leaf of `tree`: a leaf of `prefix` stands for all leaves below its place. With
 * `isLeaf: (x) => x === null`, a `null` in the prefix is a value like any other.
 *
 *     broadcastPrefix([0, null], [{ a: x, b: y }, z], (x) => x === null); // [0, 0, null]
 */
export function broadcastPrefix(
  prefix: unknown,
  tree: unknown,
  isLeaf?: IsLeaf,
  what = "broadcast_prefix prefix_tree",
): unknown[] {
  return subtreesAt(what, prefix, tree, isLeaf).flatMap(({ at, subtree }) =>
    new Array<unknown>(structure(subtree).numLeaves).fill(at),
  );
}

/** The subtrees of `tree` at the leaves of `prefix`. */
export function flattenUpTo(prefix: unknown, tree: unknown, isLeaf?: IsLeaf): unknown[] {
  return subtreesAt("tree_map tree", prefix, tree, isLeaf).map(({ subtree }) => subtree);
}

/** The tree of `f(leaf, ...subtrees of the others)`; the first tree must be a prefix of the others. */
export function map<P, R, Rest extends readonly unknown[]>(
  f: Callback<[leaf: LeafOf<P>, ...rest: { [K in keyof Rest]: LeafOf<Rest[K]> }], R>,
  tree: P,
  ...rest: Rest
): MapTree<P, R> {
  const { leaves, treedef } = flatten(tree);
  const others = rest.map((other) => flattenUpTo(tree, other));
  const call = f as (...args: unknown[]) => R;
  const out = leaves.map((leaf, i) => call(leaf, ...others.map((o) => o[i])));
  return unflatten(treedef, out) as MapTree<P, R>;
}

/** Combines all leaves from left to right, starting with `initial`. */
export function reduce<P, R>(f: Callback<[sum: R, leaf: LeafOf<P>], R>, tree: P, initial: R): R {
  return leaves(tree).reduce<R>((sum, leaf) => f(sum, leaf as LeafOf<P>), initial);
}

/** True if every leaf is truthy. */
export const all = (tree: unknown): boolean => leaves(tree).every(Boolean);

/** A tree of the structure `outer` whose leaves are trees of the structure `inner`, turned inside out. */
export function transpose(outer: TreeDef, inner: TreeDef, tree: unknown): unknown {
  const { leaves, treedef } = flatten(tree);
  const [m, n] = [outer.numLeaves, inner.numLeaves];
  const compose = (def: TreeDef): TreeDef =>
    def.kind === "leaf" ? inner : new TreeDef(def.kind, def.children.map(compose), def.keys, def.node, def.aux);
  const expected = compose(outer);
  if (!expected.equals(treedef)) {
    throw new RematTypeError(
      `transpose: Mismatch of\n    ${treedef.toString()}\nand the expected\n    ${expected.toString()}. ` +
        "Give a tree in which a tree of the inner structure stands at every leaf of the outer one.",
    );
  }
  const columns = Array.from({ length: n }, (_, j) =>
    unflatten(
      outer,
      Array.from({ length: m }, (_, i) => leaves[i * n + j]),
    ),
  );
  return unflatten(inner, columns);
}
