/**
 * What the user called things: the name of a function, and a name for each array among its arguments, such as `params['w']`. Messages
 * and residual listings speak in these names. How parameters are read is in `parameters.ts`; it is installed with the rest of what is told about programs.
 */
import { reporting, type ParameterReader } from "./core/reporting.ts";
import { flattenWithPath, keystr } from "./tree.ts";

const originals = new WeakMap<object, object>();

type AnyFunction = (...args: never) => unknown;

/** Makes the function that a transformation returns pass for the user's: same name, same parameter names. */
export function passFor<F extends AnyFunction>(wrapper: F, original: AnyFunction): F {
  originals.set(wrapper, originals.get(original) ?? original);
  return Object.defineProperty(wrapper, "name", { value: original.name, configurable: true });
}

/** The function that the user wrote, below all transformations. */
export const originalOf = (f: AnyFunction): AnyFunction => (originals.get(f) as AnyFunction | undefined) ?? f;

/** The name of a function as JAX prints it: `<lambda>` without one. */
export function functionName(f: AnyFunction): string {
  const name = f.name.replace(/^(?:bound )+/, "");
  return name === "" || name === "anonymous" ? "<lambda>" : name;
}

/**
 * A name for each leaf of the arguments, in the order in which they are flattened: the parameter's name and the path inside of it.
 * Where the function's parameters cannot be known, it is `args[0]`, `args[1]`, ... Keyword arguments come last, sorted by name;
 * static arguments have no leaves.
 *
 *     argNames((x, { w, b }, ...rest) => x, [a, { w: b, b: c }, d]); // ["x", "args[1]['b']", "args[1]['w']", "rest[0]"]
 */
export function argNames(
  f: AnyFunction,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
  staticArgnums: readonly number[] = [],
  read: ParameterReader = reporting().parameters,
): string[] {
  const names = rootNames(read(originalOf(f)), args.length);
  const out: string[] = [];
  const add = (root: string, tree: unknown): void => {
    // nearly all arguments are plain arrays
    for (const { path } of flattenWithPath(tree)) out.push(path.length === 0 ? root : root + keystr(path));
  };
  args.forEach((arg, i) => {
    if (!staticArgnums.includes(i)) add(names[i], arg);
  });
  for (const key of Object.keys(kwargs).sort()) add(key, kwargs[key]);
  return out;
}

/** A name for each positional argument. */
function rootNames(known: ReturnType<ParameterReader>, count: number): string[] {
  const unknown = (i: number): string => `args[${i}]`;
  const rest = known?.find((p) => p.rest);
  const fits = known !== null && (rest !== undefined || count <= known.length);
  return Array.from({ length: count }, (_, i) => {
    if (!fits) return unknown(i);
    const parameter = known[i];
    if (parameter !== undefined && !parameter.rest) return parameter.name ?? unknown(i);
    return rest?.name == null ? unknown(i) : `${rest.name}[${i - known.length + 1}]`;
  });
}
