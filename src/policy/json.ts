/**
 * Policies as data: JSON and back, and as the Python text by which JAX makes the same policy. A policy of the user's own is a function, which no
 * data can stand for: it is refused by name.
 */
import type { Policy, PolicyJson } from "../core/policy.ts";
import { PolicyError, describe } from "../errors.ts";
import { textOf } from "./algebra.ts";

/** Makes a policy from its data: constants stand for themselves, makers take what was given to them. */
export type PolicyTable = Readonly<Record<string, (json: PolicyJson, read: (inner: unknown) => Policy) => Policy>>;

/**
 * A policy as plain data for `JSON.stringify`, which also takes the policy itself.
 *
 * @throws PolicyError for a function of the user's own, also inside of `or`, `and` and `not`.
 * @example
 * policyToJSON(checkpointPolicies.saveOnlyTheseNames("a")); // { policy: "saveOnlyTheseNames", names: ["a"] }
 */
export function policyToJSON(policy: Policy): PolicyJson {
  if (typeof policy !== "function") {
    throw new PolicyError(
      `policyToJSON takes a policy; got ${describe(policy)}. Give a member of checkpointPolicies, called if it is a maker.`,
    );
  }
  if (policy.json !== undefined) return policy.json;
  throw new PolicyError(
    `policyToJSON was given ${textOf(policy)}, and a function of your own can't be written as JSON, nor can what is made of one. ` +
      "Put it together of checkpointPolicies (or, and, not, bySize, byFlopsPerByte, saveNames, ...).",
  );
}

/** The policy of some data, read with a table of makers. */
export function policyFrom(json: unknown, table: PolicyTable): Policy {
  const data = typeof json === "string" ? parsed(json) : json;
  const name = typeof data === "object" && data !== null ? (data as { readonly policy?: unknown }).policy : undefined;
  if (typeof name !== "string") {
    throw new PolicyError(
      `policyFromJSON takes what policyToJSON gives, an object { policy: name, ... } or its JSON text; got ${describe(data)}.`,
    );
  }
  if (!Object.hasOwn(table, name)) {
    throw new PolicyError(
      `policyFromJSON was given the policy '${name}', and there is none of that name.` +
        `${suggestion(name, Object.keys(table))} Known are ${Object.keys(table).join(", ")}.`,
    );
  }
  return table[name](data as PolicyJson, (inner) => policyFrom(inner, table));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PolicyError(`policyFromJSON was given text that is no JSON: ${(error as Error).message}.`);
  }
}

/** ` Did you mean 'x'?`, or nothing where no candidate is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === null ? "" : ` Did you mean '${near}'?`;
}

/** The candidate with the fewest changes of letters from `word`; null if that is more than a third of it. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(Math.max(word.length, 3) / 3)) + 1;
  for (const candidate of candidates) {
    const changes = distance(word.toLowerCase(), candidate.toLowerCase());
    if (changes < least) [best, least] = [candidate, changes];
  }
  return best;
}

/** Levenshtein's distance: insertions, deletions and replacements. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
