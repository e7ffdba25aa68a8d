/**
 * Keeping values with fewer bits. This is the one kind of policy that changes gradients: the value and everything that the forward pass computes
 * from it keep their bits, but the backward pass reads what was rounded. So it is never chosen for you, and its name says what it does.
 */
import { Recompute, type CompressedFormat, type Policy } from "../core/policy.ts";
import { Compressible } from "../primitives/compress.ts";
import { PolicyError, RematTypeError, describe } from "../errors.ts";
import { checkNames, nameOf, policy } from "./rule.ts";

export interface CompressOptions {
  readonly names: readonly string[];
  /** `bf16`: half the bytes of float32, relative errors up to 2^-9. `int8`: a quarter, errors up to 0.4 % of the array's largest value. */
  readonly to: CompressedFormat;
}

const FORMATS: readonly string[] = ["bf16", "int8"];

/** Refuses a format that does not exist. */
export function checkFormat(what: string, to: unknown): asserts to is CompressedFormat {
  if (!FORMATS.includes(to as string)) {
    throw new PolicyError(
      `${what} was asked to compress to ${describe(to)}, which is no format here. Give "bf16" or "int8".`,
    );
  }
}

/**
 * Values with one of these names are saved with fewer bits, and nothing else is saved. Gradients are approximate.
 *
 * @example
 * const policy = checkpointPolicies.saveAndCompressOnlyTheseNames({ names: ["hidden"], to: "bf16" });
 */
export function saveAndCompressOnlyTheseNames(options: CompressOptions): Policy {
  const { names, to } = options;
  if (!Array.isArray(names)) {
    throw new RematTypeError(`saveAndCompressOnlyTheseNames takes names: an array of strings; got ${describe(names)}.`);
  }
  checkNames("saveAndCompressOnlyTheseNames", names);
  checkFormat("saveAndCompressOnlyTheseNames", to);
  const set = new Set(names);
  const answer = new Compressible(to);
  return policy(
    `saveAndCompressOnlyTheseNames(${[...set].map((n) => `'${n}'`).join(", ")}, to='${to}')`,
    (primitive, _avals, params) => {
      const name = nameOf(primitive, params);
      return name !== null && set.has(name) ? answer : Recompute;
    },
    { policy: "saveAndCompressOnlyTheseNames", names: [...set], to },
  );
}
