/**
 * Python's text of plain values: what `str` and `repr` make of numbers, strings, tuples and the like. Parameters in a jaxpr and literals
 * are printed by these rules, because JAX is a Python library and its text is ours.
 *
 * JavaScript arrays stand for tuples, `null` for None, integral numbers for ints. The few Python types without a JavaScript twin have a
 * class here.
 */

/** A Python list, where an array would print as a tuple: `[1, 0]`. */
export class PyList {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
  toString(): string {
    return pyRepr(this);
  }
}

/** A Python float that may have an integral value: `2.0`. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toString(): string {
    return pyFloat(this.value);
  }
}

/** A frozenset, printed in sorted order: `frozenset({'a', 'b'})`. */
export class FrozenSet {
  readonly items: readonly (string | number)[];
  constructor(items: Iterable<string | number>) {
    this.items = [...items].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
  toString(): string {
    return pyRepr(this);
  }
}

/** Text that prints as it stands, also inside tuples: members of Python enums, dataclasses. */
export class Verbatim {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/**
 * A double as Python prints it: the shortest digits that name it, with an exponent below 1e-4 and from 1e16 on.
 *
 * @example pyFloat(Math.fround(1e-7)) // "1.0000000116860974e-07"
 */
export function pyFloat(x: number): string {
  const text = shortest(x);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** A complex number as Python prints it: `(1+2j)`; `2j` if the real part is (positive) zero. */
export function pyComplex(re: number, im: number): string {
  if (Object.is(re, 0)) return `${shortest(im)}j`;
  const tail = shortest(im);
  return `(${shortest(re)}${tail.startsWith("-") ? "" : "+"}${tail}j)`;
}

/** As `pyFloat`, but without the `.0` of integral values. */
function shortest(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "-inf" : "inf";
  const [mantissa = "0", exponent = "0"] = (Object.is(x, -0) ? "-0e+0" : x.toExponential()).split("e");
  const e = Number(exponent);
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (e < -4 || e >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits[0]}${fraction}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  }
  if (e < 0) return `${sign}0.${"0".repeat(-e - 1)}${digits}`;
  if (digits.length <= e + 1) return sign + digits.padEnd(e + 1, "0");
  return `${sign}${digits.slice(0, e + 1)}.${digits.slice(e + 1)}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A string as a Python literal: single quotes unless it holds some and no double ones. */
export function pyQuote(s: string): string {
  const quote = s.includes("'") && !s.includes('"') ? '"' : "'";
  let out = quote;
  for (const c of s) {
    const code = c.codePointAt(0)!;
    if (c === quote) out += `\\${c}`;
    else if (c in ESCAPES) out += ESCAPES[c];
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) out += `\\x${code.toString(16).padStart(2, "0")}`;
    else out += c;
  }
  return out + quote;
}

/** Python's `str`: strings raw, everything else as by `pyRepr`. */
export const pyStr = (value: unknown): string => (typeof value === "string" ? value : pyRepr(value));

/** Python's `repr`: strings quoted, arrays as tuples, functions by name, addresses masked, objects by their own `toString`. */
export function pyRepr(value: unknown): string {
  switch (typeof value) {
    case "string":
      return pyQuote(value);
    case "boolean":
      return value ? "True" : "False";
    case "bigint":
      return value.toString();
    case "number":
      // There is no integer -0, and what is integral is taken for an integer.
      return Number.isSafeInteger(value) ? String(value) : pyFloat(value);
    case "undefined":
      return "None";
    case "symbol":
      return value.description ?? "";
    case "function":
      return printedName(value) ?? `<function ${value.name || "<lambda>"} at 0xXXXXXXXXXXXX>`;
    case "object":
      return value === null ? "None" : reprOfObject(value);
  }
}

function reprOfObject(value: object): string {
  if (value instanceof Verbatim) return value.text;
  if (value instanceof PyList) return `[${value.items.map(pyRepr).join(", ")}]`;
  if (value instanceof PyFloat) return pyFloat(value.value);
  if (value instanceof FrozenSet) {
    return value.items.length === 0 ? "frozenset()" : `frozenset({${value.items.map(pyRepr).join(", ")}})`;
  }
  if (Array.isArray(value)) return value.length === 1 ? `(${pyRepr(value[0])},)` : `(${value.map(pyRepr).join(", ")})`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `[${Array.from(value as unknown as ArrayLike<unknown>, pyRepr).join(" ")}]`;
  }
  const printed = printedName(value);
  if (printed !== null) return printed;
  if (value.toString !== Object.prototype.toString) return maskAddresses(String(value));
  return `{${Object.entries(value)
    .map(([k, v]) => `${pyQuote(k)}: ${pyRepr(v)}`)
    .join(", ")}}`;
}

/** Functions and objects may say how they print, as policies do. */
function printedName(value: object): string | null {
  const printed: unknown = "printed" in value ? value.printed : null;
  return typeof printed === "string" ? maskAddresses(printed) : null;
}

const maskAddresses = (text: string): string =>
  text.replace(/ at 0x([0-9a-fA-F]+)/g, (_, hex: string) => ` at 0x${"X".repeat(hex.length)}`);
