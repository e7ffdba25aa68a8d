/** In what a tree differs from one of which it should be a prefix, in JAX's words. */
import { RematValueError } from "./errors.ts";
import type { IsLeaf } from "./tree.ts";
import { open, plainKey, stepOf, type Level } from "./treeDef.ts";
import { keystr, type KeyPath } from "./treePath.ts";

const nameOfKind = (level: Level | null): string =>
  level === null
    ? "leaf"
    : level.kind === "array"
      ? "tuple"
      : level.kind === "null"
        ? "None"
        : level.kind === "node"
          ? level.node!.name
          : "dict";

/** Why `prefix` is not a prefix of `full`, or null if it is one. */
function difference(
  what: string,
  prefix: unknown,
  full: unknown,
  isLeaf: IsLeaf | undefined,
  path: KeyPath,
): RematValueError | null {
  const a = isLeaf?.(prefix) === true ? null : open(prefix);
  if (a === null) return null;
  const b = open(full);
  const fail = (how: string, rest: string, advice: string): RematValueError =>
    new RematValueError(
      `pytree structure error: ${how} at key path\n    ${what}${keystr(path)}\n` +
        `At that key path, the prefix pytree ${what} has a subtree of type ${rest}\n${advice}`,
    );
  const advice = "Give trees of the same structure, or a leaf in place of the whole subtree.";
  if (b === null || nameOfKind(a) !== nameOfKind(b)) {
    const found = b === null ? (full === undefined ? "undefined" : "leaf") : nameOfKind(b);
    return fail(
      "different types",
      `${nameOfKind(a)}, but at the same key path the full pytree has a ${found}.`,
      advice,
    );
  }
  const [m, n] = [a.children.length, b.children.length];
  if (a.kind === "array" && m !== n) {
    return fail(
      "different lengths of tuple",
      `tuple of length ${m}, but the full pytree has a subtree of the same type but of length ${n}.`,
      advice,
    );
  }
  if (a.kind === "object" || a.kind === "map") {
    const [p, q] = [new Set(a.keys), new Set(b.keys)];
    const unshared = [...a.keys.filter((k) => !q.has(k)), ...b.keys.filter((k) => !p.has(k))];
    if (unshared.length > 0) {
      const list = (keys: readonly unknown[]): string => keys.map(String).join(" ");
      return fail(
        m === n ? "different pytree metadata" : "different numbers of pytree children",
        `dict with ${m} child keys\n    ${list(a.keys)}\nbut the full pytree has a subtree of the same type but with ${n} child keys\n` +
          `    ${list(b.keys)}\nso the symmetric difference on key sets is\n    ${list(unshared)}`,
        advice,
      );
    }
  } else if (m !== n || plainKey(a.aux) !== plainKey(b.aux)) {
    return fail(
      m === n ? "different pytree metadata" : "different numbers of pytree children",
      `${nameOfKind(a)} with ${m} children and metadata ${plainKey(a.aux)}, but the full pytree has one with ${n} and ${plainKey(b.aux)}.`,
      advice,
    );
  }
  for (let i = 0; i < m; i++) {
    const error = difference(what, a.children[i], b.children[i], isLeaf, [...path, stepOf(a, i)]);
    if (error !== null) return error;
  }
  return null;
}

/** The error for a tree that is no prefix of another. */
export const prefixError = (
  what: string,
  prefix: unknown,
  full: unknown,
  isLeaf: IsLeaf | undefined,
): RematValueError => difference(what, prefix, full, isLeaf, []) as RematValueError;
