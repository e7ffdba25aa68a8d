/**
 * Policies out of policies: `or`, `and`, `not`, and rules by size, by cost and by patterns of names.
 *
 * An answer is one of recompute, keep in another form (`Offloadable`, `Compressible`), and save. They are ordered by how much is kept: `or` takes
 * the greatest answer, `and` the least, and among answers of the same rank the first policy's. `not` makes save of recompute and recompute of
 * everything else. So for answers true and false these are the Boolean operations, and an offload survives an `or` with policies that don't save
 * the value, and an `and` with those that do.
 */
import type { Eqn, Params } from "../core/jaxpr.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { Primitive } from "../core/primitive.ts";
import { askPolicy, Recompute, Saveable, type Policy, type PolicyAnswer, type PolicyJson } from "../core/policy.ts";
import { checkAnswer } from "../passes/partialEval.ts";
import { costOf } from "../passes/costs.ts";
import { PolicyError, RematTypeError, RematValueError, describe } from "../errors.ts";
import { parseBytes, type ByteSize } from "../bytes.ts";
import { checkNames, checkPolicies, nameOf, policy, type PolicyHooks } from "./rule.ts";

type Answer = Exclude<PolicyAnswer, boolean>;

const rank = (answer: Answer): number => (answer === Recompute ? 0 : answer === Saveable ? 2 : 1);

/** How several answers become one. */
type Join = (answers: readonly Answer[]) => Answer;

const greatest: Join = (answers) => answers.reduce((a, b) => (rank(b) > rank(a) ? b : a));
const least: Join = (answers) => answers.reduce((a, b) => (rank(b) < rank(a) ? b : a));
const opposite: Join = ([answer]) => (answer === Recompute ? Saveable : Recompute);

export const textOf = (p: Policy): string => p.printed ?? `<function ${p.name === "" ? "<lambda>" : p.name}>`;

/** A policy that joins the answers of others; hooks of those are used where there are any. */
function joined(name: string, policies: readonly Policy[], join: Join, json = jsonOf(name, policies)): Policy {
  const rule = (primitive: Primitive, avals: readonly ShapedArray[], params: Params): Answer =>
    join(policies.map((p) => checkAnswer(p(primitive, avals, params))));
  const hooks: PolicyHooks = {
    ...(policies.some((p) => p.answer !== undefined)
      ? { answer: (eqn: Eqn) => join(policies.map((p) => checkAnswer(askPolicy(p, eqn)))) }
      : {}),
    ...(policies.some((p) => p.prepare !== undefined)
      ? {
          prepare: (program) =>
            joined(
              name,
              policies.map((p) => p.prepare?.(program) ?? p),
              join,
              json,
            ),
        }
      : {}),
  };
  return policy(`${name}(${policies.map(textOf).join(", ")})`, rule, json, hooks);
}

const jsonOf = (name: string, policies: readonly Policy[]): PolicyJson | null =>
  policies.every((p) => p.json !== undefined) ? { policy: name, of: policies.map((p) => p.json) } : null;

function several(name: string, policies: readonly Policy[]): void {
  checkPolicies(name, policies);
  if (policies.length === 0) throw new PolicyError(`${name} joins policies, and none was given. Give at least one.`);
}

/** Saves what any of the policies saves. */
export function or(...policies: readonly Policy[]): Policy {
  several("or", policies);
  return joined("or", policies, greatest);
}

/** Saves what all of the policies save. */
export function and(...policies: readonly Policy[]): Policy {
  several("and", policies);
  return joined("and", policies, least);
}

/** Saves what the policy would have recomputed, and nothing else. */
export function not(p: Policy): Policy {
  checkPolicies("not", [p]);
  return joined("not", [p], opposite);
}

/** Both bounds are inclusive; one at least must be given. */
export interface SizeBounds {
  readonly under?: ByteSize;
  readonly over?: ByteSize;
}

/**
 * Saves values by the bytes that they take, all outputs of an equation together: `{ under: "4KiB" }` saves what has at most 4096 bytes.
 *
 * @example
 * checkpoint((x: NDArray) => np.sin(np.sin(x)), { policy: checkpointPolicies.bySize({ under: "4KiB" }) });
 */
export function bySize(bounds: SizeBounds): Policy {
  checkBounds("bySize", bounds);
  const under = bounds.under === undefined ? Infinity : parseBytes(bounds.under, "bySize's under");
  const over = bounds.over === undefined ? 0 : parseBytes(bounds.over, "bySize's over");
  const given = {
    ...(bounds.under === undefined ? {} : { under }),
    ...(bounds.over === undefined ? {} : { over }),
  };
  return policy(
    `bySize(${boundsText(given)})`,
    (primitive, avals, params) => {
      const bytes = primitive.type(avals, params).reduce((sum, a) => sum + a.nbytes, 0);
      return bytes >= over && bytes <= under;
    },
    { policy: "bySize", ...given },
  );
}

/** Flops for each byte of the outputs. */
export interface IntensityBounds {
  readonly under?: number;
  readonly over?: number;
}

/**
 * Saves values by what it takes to compute them again: floating-point operations for each byte that saving would take. `{ over: 8 }` saves what is
 * dear for its size, such as products with long sums, and recomputes what is cheap. The costs are those of `flopsOf`.
 */
export function byFlopsPerByte(bounds: IntensityBounds): Policy {
  checkBounds("byFlopsPerByte", bounds);
  for (const bound of [bounds.under, bounds.over]) {
    if (bound !== undefined && !(typeof bound === "number" && bound >= 0)) {
      throw new RematValueError(
        `byFlopsPerByte takes bounds in flops for each byte; got ${describe(bound)}. Give numbers that aren't negative.`,
      );
    }
  }
  const { under = Infinity, over = 0 } = bounds;
  return policy(
    `byFlopsPerByte(${boundsText(bounds)})`,
    (primitive, avals, params) => {
      const intensity = flopsPerByte(primitive, avals, params);
      return intensity >= over && intensity <= under;
    },
    { policy: "byFlopsPerByte", ...bounds },
  );
}

function flopsPerByte(primitive: Primitive, avals: readonly ShapedArray[], params: Params): number {
  const outs = primitive.type(avals, params);
  const variable = (aval: ShapedArray): Eqn["outvars"][number] => ({ aval });
  const { flops } = costOf({
    primitive,
    invars: avals.map(variable),
    outvars: outs.map(variable),
    params,
    source: null,
  });
  const bytes = outs.reduce((sum, a) => sum + a.nbytes, 0);
  return flops === 0 ? 0 : flops / bytes;
}

const boundsText = (bounds: SizeBounds | IntensityBounds): string =>
  (["under", "over"] as const)
    .flatMap((key) => (bounds[key] === undefined ? [] : [`${key}=${String(bounds[key])}`]))
    .join(", ");

function checkBounds(what: string, bounds: unknown): void {
  const given = typeof bounds === "object" && bounds !== null ? Object.keys(bounds) : [];
  if (given.length === 0 || given.some((key) => key !== "under" && key !== "over")) {
    const came = typeof bounds === "object" && bounds !== null ? `the keys [${given.join(", ")}]` : describe(bounds);
    throw new RematTypeError(`${what} takes { under, over }, one of them at least; got ${came}.`);
  }
}

/**
 * Saves values whose name fits one of the patterns: `*` stands for any characters but `/`, `**` for any at all, `?` for one. So "layer*\/attn" is
 * "layer0/attn", "layer1/attn" and so on, but not "layer0/mlp/attn".
 */
export function saveNames(...patterns: readonly string[]): Policy {
  checkNames("saveNames", patterns);
  const tests = patterns.map(globExpression);
  return policy(
    `saveNames(${patterns.map((p) => `'${p}'`).join(", ")})`,
    (primitive, _avals, params) => {
      const name = nameOf(primitive, params);
      return name !== null && tests.some((test) => test.test(name));
    },
    { policy: "saveNames", patterns },
  );
}

/** The regular expression of a pattern of names. */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\*\*|[\s\S]/g, (part) => {
    if (part === "**") return "[\\s\\S]*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.replace(/[.*+?^${}()|[\]\\/-]/, "\\$&");
  });
  return new RegExp(`^${source}$`);
}
