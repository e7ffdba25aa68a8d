/** Functions of the library by the names that `scripts/golden/families/` has for JAX's. */
import type { NDArray } from "../../src/index.ts";
import { axisNames } from "./axisNames.ts";
import { calls } from "./calls.ts";
import { decompositions } from "./decompositions.ts";
import { options } from "./options.ts";

/** What a case computes: arrays, in lists or objects that are as deep as they may be. */
export type Case = (...args: NDArray[]) => unknown;

export const families: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  axisNames,
  calls,
  decompositions,
  options,
};

/**
 * What is not the same, by family and name. "values": vectors that are determined up to a factor of size one have another one here than LAPACK's in single
 * precision, and tangents with them; that they solve their equations is tested in `linalg.test.ts`. "jvp program" and so on: a known difference.
 */
export const differing: Readonly<Record<string, readonly string[]>> = {
  "decompositions/eig both": ["values"],
  "decompositions/schur": ["values"],
  "decompositions/schur complex": ["values"],
  "decompositions/svd complex": ["values"],
  "decompositions/x64 eig values": ["values"],
  "decompositions/x64 schur complex": ["values"],
  "calls/multivariate normal svd": ["values"],
};
