/**
 * Policies as Python text: what is found here can be pasted into a JAX program. JAX has no patterns and no rules by size, so patterns are spelled
 * out by the names that the function has, and what JAX can't say is refused.
 */
import type { Policy, PolicyJson } from "../core/policy.ts";
import { PolicyError } from "../errors.ts";
import { globExpression } from "./algebra.ts";
import { policyToJSON } from "./json.ts";

const PREFIX = "jax.checkpoint_policies.";

const constants: Readonly<Record<string, string>> = {
  everythingSaveable: "everything_saveable",
  nothingSaveable: "nothing_saveable",
  dotsSaveable: "dots_saveable",
  dotsWithNoBatchDimsSaveable: "dots_with_no_batch_dims_saveable",
};

const literal = (text: string): string => JSON.stringify(text);
const literals = (names: unknown): string => (names as readonly string[]).map(literal).join(", ");

/**
 * The Python expression of the same policy in JAX. `names` are those that the function gives (`checkpointName`): patterns are spelled out by them.
 *
 * @throws PolicyError for a policy that JAX has no words for.
 * @example
 * policyToPython(checkpointPolicies.saveNames("layer*\/attn"), ["layer0/attn", "layer0/mlp"]);
 * // jax.checkpoint_policies.save_only_these_names("layer0/attn")
 */
export function policyToPython(policy: Policy, names: readonly string[] = []): string {
  return expression(policyToJSON(policy), names);
}

function expression(json: PolicyJson, names: readonly string[]): string {
  const { policy } = json;
  if (Object.hasOwn(constants, policy)) return PREFIX + constants[policy];
  switch (policy) {
    case "saveOnlyTheseNames":
      return `${PREFIX}save_only_these_names(${literals(json.names)})`;
    case "saveAnyNamesButThese":
      return `${PREFIX}save_any_names_but_these(${literals(json.names)})`;
    case "saveAnythingExceptTheseNames":
      return `${PREFIX}save_anything_except_these_names(${literals(json.names)})`;
    case "offloadDotWithNoBatchDims":
      return `${PREFIX}offload_dot_with_no_batch_dims(${literals([json.offloadSrc, json.offloadDst])})`;
    case "saveAndOffloadOnlyTheseNames":
      return (
        `${PREFIX}save_and_offload_only_these_names(names_which_can_be_saved=[${literals(json.namesWhichCanBeSaved)}], ` +
        `names_which_can_be_offloaded=[${literals(json.namesWhichCanBeOffloaded)}], ` +
        `offload_src=${literal(json.offloadSrc as string)}, offload_dst=${literal(json.offloadDst as string)})`
      );
    case "saveNames": {
      const tests = (json.patterns as readonly string[]).map(globExpression);
      return `${PREFIX}save_only_these_names(${literals(names.filter((name) => tests.some((t) => t.test(name))))})`;
    }
    case "saveFromBothPolicies":
    case "or":
      return (json.of as readonly PolicyJson[])
        .map((inner) => expression(inner, names))
        .reduce((a, b) => `${PREFIX}save_from_both_policies(${a}, ${b})`);
    default:
      throw new PolicyError(
        `policyToPython was given the policy '${policy}', and JAX has no words for it: it knows names, products and all or nothing. ` +
          "Use saveOnlyTheseNames, saveNames or the products, joined by or.",
      );
  }
}
