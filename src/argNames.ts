/**
 * What the user called things: the name of a function, and a name for each array among its arguments, such as `params['w']`. Messages
 * and residual listings speak in these names. JavaScript has no reflection on parameters, so they are read from the function's text.
 */
import { flattenWithPath, keystr } from "./tree.ts";

interface Parameter {
  /** Null if it is taken apart by a pattern. */
  readonly name: string | null;
  readonly rest: boolean;
}

const parameters = new WeakMap<object, readonly Parameter[] | null>();
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
): string[] {
  const names = rootNames(f, args.length);
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

/** The names of a function's parameters, or null if they cannot be told or it takes any number of arguments. */
export function parameterNames(f: AnyFunction): readonly string[] | null {
  const known = parametersOf(originalOf(f));
  return known === null || known.some((p) => p.rest) ? null : known.flatMap((p) => p.name ?? []);
}

/** A name for each positional argument. */
function rootNames(f: AnyFunction, count: number): string[] {
  const known = parametersOf(originalOf(f));
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

function parametersOf(f: AnyFunction): readonly Parameter[] | null {
  let known = parameters.get(f);
  if (known === undefined) parameters.set(f, (known = parse(f.toString())));
  return known;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const SINGLE = /^(?:async\b\s*)?([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)\s*=>/u;

/** The parameters in the text of a function; null if it cannot be read. */
function parse(source: string): readonly Parameter[] | null {
  if (/\{\s*\[native code\]\s*\}$/.test(source) || /^class\b/.test(source)) return null;
  const text = blank(source);
  const single = SINGLE.exec(text.trim());
  if (single !== null) return [{ name: single[1], rest: false }];
  const pieces = parameterList(text);
  return (
    pieces?.map((piece) => {
      const rest = piece.startsWith("...");
      const name = (rest ? piece.slice(3) : piece).trim();
      return { name: IDENTIFIER.test(name) ? name : null, rest };
    }) ?? null
  );
}

/** The text with comments left out and strings emptied, so that brackets and commas in them do not count. */
const blank = (source: string): string =>
  source.replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`/g, (found) =>
    found.startsWith("/") ? " " : '""',
  );

/** The parameters between the first parentheses, without their defaults. */
function parameterList(text: string): string[] | null {
  const pieces: string[] = [];
  let depth = 0;
  let inDefault = false;
  let piece = "";
  // a method's name may be computed: [Symbol.iterator]() {}
  let at = text.trimStart().startsWith("[") ? text.indexOf("](") + 1 : text.indexOf("(");
  if (at < 0) return null;
  const finish = (): void => {
    if (piece.trim() !== "") pieces.push(piece.trim());
    piece = "";
    inDefault = false;
  };
  for (at += 1; at < text.length; at++) {
    const c = text[at];
    if (depth === 0 && c === ")") {
      finish();
      return pieces;
    }
    if (depth === 0 && c === ",") {
      finish();
      continue;
    }
    if (depth === 0 && c === "=") inDefault = true;
    if ("([{".includes(c)) depth++;
    if (")]}".includes(c)) depth--;
    if (!inDefault) piece += c;
  }
  return null;
}
