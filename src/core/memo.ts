/**
 * Caches keyed by identity. A pass applied twice to the same jaxpr with the same flags gives the same jaxpr object: that saves work, and the
 * printer shows bodies that are one object only once, as JAX does.
 */

let replaying = false;

/** Says whether an equation of a jaxpr is being performed again, and returns what was said before. */
export function swapReplaying(now: boolean): boolean {
  const saved = replaying;
  replaying = now;
  return saved;
}

/** Whether what happens now happens on behalf of an equation that is performed again (and not of a call in the user's code). */
export const isReplaying = (): boolean => replaying;

/**
 * Remembers `compute(subject, ...)` for as long as `subject` lives. `key` must tell all other arguments apart. Answers given while an equation is
 * performed again are kept apart from the others: to JAX these are different contexts, and one object in two places shows in the text.
 */
export class Memo<S extends WeakKey, V> {
  readonly #direct = new WeakMap<S, Map<string, V>>();
  readonly #replayed = new WeakMap<S, Map<string, V>>();

  get(subject: S, key: string, compute: () => V): V {
    const bySubject = replaying ? this.#replayed : this.#direct;
    let entries = bySubject.get(subject);
    if (entries === undefined) {
      entries = new Map<string, V>();
      bySubject.set(subject, entries);
    }
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
