/** Names of values (`checkpointName`) and the policies that ask for them: which have no partner on the other side. */
import type { Eqn } from "../core/jaxpr.ts";
import { askPolicy, Recompute, type Policy } from "../core/policy.ts";
import { checkAnswer } from "../passes/partialEval.ts";
import { globExpression } from "../policy/algebra.ts";
import { suggestion } from "../policy/json.ts";
import { isCheckpoint, placeOf, rematParams, type Found } from "./checkpoints.ts";
import type { Finding } from "./finding.ts";

/** The names and patterns in the data of a policy, of the policies that it is made of too. */
function wantedBy(json: unknown): { names: string[]; patterns: string[]; allNames: boolean } {
  const names: string[] = [];
  const patterns: string[] = [];
  let allNames = false;
  const visit = (data: unknown): void => {
    if (typeof data !== "object" || data === null) return;
    for (const [key, value] of Object.entries(data)) {
      if (key === "of") (Array.isArray(value) ? value : [value]).forEach(visit);
      else if (key === "policy") allNames ||= value === "saveAnyNamesButThese";
      else if (key === "patterns") patterns.push(...(value as string[]));
      else if (/^names/.test(key)) names.push(...(value as string[]));
    }
  };
  visit(json);
  return { names, patterns, allNames };
}

/** Whether a policy has something to say of a name. What a function of the user's own would recompute it may know all the same. */
function mentions(policy: Policy | null, eqn: Eqn): boolean {
  if (policy === null) return false;
  const name = eqn.params.name as string;
  if (policy.json === undefined) return checkAnswer(askPolicy(policy, eqn)) !== Recompute;
  const { names, patterns, allNames } = wantedBy(policy.json);
  return allNames || names.includes(name) || patterns.some((p) => globExpression(p).test(name));
}

/**
 * @param differentiated in a program that has been differentiated, names stand outside of the calls whose policies asked for them.
 */
export function nameFindings(eqns: readonly Found[], differentiated: boolean): Finding[] {
  const named = eqns.filter(({ eqn }) => eqn.primitive.name === "name");
  const known = [...new Set(named.map(({ eqn }) => eqn.params.name as string))];
  const checkpoints = eqns.filter(({ eqn }) => isCheckpoint(eqn)).map(({ eqn }) => eqn);
  const findings: Finding[] = [];
  /** Names that a policy has misspelt. */
  const meant = new Set<string>();
  for (const eqn of checkpoints) {
    const { names, patterns } = wantedBy(rematParams(eqn).policy?.json);
    for (const name of names.filter((n) => !known.includes(n))) {
      const near = suggestion(name, known);
      for (const other of known) if (near.includes(`'${other}'`)) meant.add(other);
      findings.push({
        kind: "unknownName",
        message: `the policy of this checkpoint names '${name}', and no value has that name.${near === "" ? ` ${knownText(known)}` : near}`,
        place: placeOf(eqn),
      });
    }
    for (const pattern of patterns.filter((p) => !known.some((n) => globExpression(p).test(n)))) {
      findings.push({
        kind: "unknownName",
        message: `the policy of this checkpoint has the pattern '${pattern}', and no name of a value fits it. ${knownText(known)}`,
        place: placeOf(eqn),
      });
    }
  }
  for (const name of known.filter((n) => !meant.has(n))) {
    const own = named.filter(({ eqn }) => eqn.params.name === name);
    const asked = own.some(({ eqn, path }) =>
      (differentiated ? checkpoints : path.filter(isCheckpoint)).some((c) => mentions(rematParams(c).policy, eqn)),
    );
    if (asked) continue;
    const elsewhere = checkpoints.some((c) => mentions(rematParams(c).policy, own[0].eqn));
    findings.push({
      kind: "unusedName",
      message: elsewhere
        ? `the value named '${name}' lies outside of the checkpoints whose policies name it, so the name does nothing. Name it inside.`
        : `no policy mentions the name '${name}', so it does nothing. Give a checkpoint around it saveOnlyTheseNames("${name}") to keep the value.`,
      place: placeOf(own[0].eqn),
    });
  }
  return findings;
}

const knownText = (known: readonly string[]): string =>
  known.length === 0
    ? "No value has a name: see checkpointName."
    : `Names are ${known.map((n) => `'${n}'`).join(", ")}.`;
