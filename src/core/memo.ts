/**
 * Caches keyed by identity. A pass applied twice to the same jaxpr with the same flags gives the same jaxpr object: that saves work, and the
 * printer shows bodies that are one object only once, as JAX does.
 */

/** Remembers `compute(subject, ...)` for as long as `subject` lives. `key` must tell all other arguments apart. */
export class Memo<S extends WeakKey, V> {
  readonly #bySubject = new WeakMap<S, Map<string, V>>();

  get(subject: S, key: string, compute: () => V): V {
    let entries = this.#bySubject.get(subject);
    if (entries === undefined) this.#bySubject.set(subject, (entries = new Map()));
    let value = entries.get(key);
    if (value === undefined) {
      value = compute();
      entries.set(key, value);
    }
    return value;
  }
}

/** A list of flags as a cache key. */
export const flags = (bits: readonly boolean[]): string => bits.map((b) => (b ? "1" : "0")).join("");

let nextId = 0;
const ids = new WeakMap<WeakKey, number>();

/** A number that names an object for as long as it lives. */
export function identity(x: WeakKey): number {
  let id = ids.get(x);
  if (id === undefined) ids.set(x, (id = ++nextId));
  return id;
}
