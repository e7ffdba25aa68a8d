/** What all policies are made of: a rule with the text by which it prints in jaxprs, and the data that it is saved as. */
import type { ShapedArray } from "../core/aval.ts";
import type { Eqn, Params } from "../core/jaxpr.ts";
import type { Policy, PolicyAnswer, PolicyJson } from "../core/policy.ts";
import type { Primitive } from "../core/primitive.ts";
import { RematTypeError, describe } from "../errors.ts";

export type Rule = (primitive: Primitive, avals: readonly ShapedArray[], params: Params) => PolicyAnswer;

/** A policy with its text and its data. */
export const policy = (printed: string, rule: Rule, json: PolicyJson | null = null, more: PolicyHooks = {}): Policy =>
  Object.assign(rule.bind(null), { printed, ...more, ...(json === null ? {} : { json, toJSON: () => json }) });

/** What a policy may have beside its rule. */
export interface PolicyHooks {
  readonly answer?: (eqn: Eqn) => PolicyAnswer;
  readonly prepare?: NonNullable<Policy["prepare"]>;
}

/** The name that a `name` equation gives; null for every other equation. */
export const nameOf = (primitive: Primitive, params: Params): string | null =>
  primitive.name === "name" ? (params.name as string) : null;

/** Refuses names that are no strings. */
export function checkNames(what: string, names: readonly unknown[]): void {
  for (const name of names) {
    if (typeof name !== "string")
      throw new RematTypeError(`${what} takes names: each must be a string; got ${describe(name)}.`);
  }
}

/** Refuses what is no policy. */
export function checkPolicies(what: string, policies: readonly unknown[]): void {
  for (const p of policies) {
    if (typeof p !== "function") {
      throw new RematTypeError(
        `${what} takes policies: each must be a function; got ${describe(p)}. Give a member of checkpointPolicies, called if it is a maker.`,
      );
    }
  }
}
