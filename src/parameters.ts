/**
 * The parameters of functions. JavaScript has no reflection on them, so they are read from the function's text.
 */
import { originalOf } from "./argNames.ts";
import type { Parameter } from "./core/reporting.ts";

type AnyFunction = (...args: never) => unknown;

const parameters = new WeakMap<object, readonly Parameter[] | null>();

/** The names of a function's parameters, or null if they cannot be told or it takes any number of arguments. */
export function parameterNames(f: AnyFunction): readonly string[] | null {
  const known = parametersOf(originalOf(f));
  return known === null || known.some((p) => p.rest) ? null : known.flatMap((p) => p.name ?? []);
}

/** The parameters of a function; null if they cannot be told. */
export function parametersOf(f: AnyFunction): readonly Parameter[] | null {
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
