/**
 * What the programs of the corpus need beside the library: the `py` operations and the custom policies of FORMAT.md §2.4 and §2.5. All
 * else in a transpiled program is the public API.
 */
import * as remat from "../../src/index.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { ShapedArray } from "../../src/core/aval.ts";

export { remat };

/** What a program may use of the library, as one imports it. */
export const api: Readonly<Record<string, unknown>> = { slice: remat.np.slice, ...remat };

type AnyFunction = (...args: unknown[]) => unknown;

const pythonText = (v: unknown): string => (typeof v === "string" ? `'${v}'` : String(v));

function policy(name: string, args: readonly unknown[], decide: Policy): Policy {
  return Object.assign(decide, { printed: `${name}(${args.map(pythonText).join(", ")})` });
}

const bytes = (avals: readonly ShapedArray[]): number => avals.reduce((sum, a) => sum + a.nbytes, 0);

/** The helpers of one program; each has its own place for what is leaked. */
export function makePy(): Record<string, AnyFunction> {
  const stash: unknown[] = [];
  return {
    /** Gives a function that had to be renamed its name and its parameters' names back. */
    named: (f, name, params) => {
      Object.defineProperty(f, "name", { value: name });
      return Object.defineProperty(f, "toString", { value: () => `${String(params)} => {}` });
    },
    defined: (h, define) => {
      (define as AnyFunction)(h);
      return h;
    },
    partial: (f, params, args, kwargs) => {
      const [names, bound, options] = [params as string[], args as unknown[], kwargs as Record<string, unknown>];
      const open = names.slice(bound.length).filter((p) => !(p in options));
      const partial: AnyFunction = (...rest) => {
        let next = 0;
        const all = names.slice(bound.length).map((p) => (p in options ? options[p] : rest[next++]));
        return (f as AnyFunction)(...bound, ...all);
      };
      Object.defineProperty(partial, "name", { value: (f as AnyFunction).name });
      return Object.defineProperty(partial, "toString", { value: () => `(${open.join(", ")}) => {}` });
    },
    leak: (x) => {
      stash.push(x);
      return x;
    },
    leaked: () => stash.at(-1),
    savePrims: (...names) => policy("save_prims", names, (prim) => names.includes(prim.name)),
    saveAllButPrims: (...names) => policy("save_all_but_prims", names, (prim) => !names.includes(prim.name)),
    saveIfOutputSmallerThan: (limit) =>
      policy(
        "save_if_output_smaller_than",
        [limit],
        (prim, avals, params) => bytes(prim.type(avals, params)) < (limit as number),
      ),
    saveIfInputsSmallerThan: (limit) =>
      policy("save_if_inputs_smaller_than", [limit], (_, avals) => bytes(avals) < (limit as number)),
    notBoolean: (value) => policy("not_boolean", [value], () => value as boolean),
  };
}
