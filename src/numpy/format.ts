/**
 * Arrays as text, laid out as NumPy does: `[1.5 2. ]`, or with its type as `Array([1.5, 2. ], dtype=float32)`. Each float has as many
 * digits as tell it from its neighbours in its dtype (at most eight after the point), and a column has one width.
 */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { isComplex, kindOf, type DType } from "../core/dtype.ts";
import { toBfloat16, toFloat16 } from "../core/halfFloat.ts";
import { Tracer } from "../core/interpreter.ts";
import { readElement, type Element } from "../core/scalar.ts";

const PRECISION = 8;
const LINE = 75;
const THRESHOLD = 1000;
const EDGE = 3;

/** Whether rounding to the dtype makes two numbers the same. */
function sameIn(dtype: DType, a: number, b: number): boolean {
  switch (dtype) {
    case "float16":
      return toFloat16(a) === toFloat16(b);
    case "bfloat16":
      return toBfloat16(a) === toBfloat16(b);
    case "float32":
    case "complex64":
      return Math.fround(a) === Math.fround(b);
    default:
      return a === b;
  }
}

interface Digits {
  readonly negative: boolean;
  /** The significant digits, the first of which stands before the point times 10^exponent. */
  readonly digits: string;
  readonly exponent: number;
}

/** The fewest digits that name a number of a dtype, rounded to at most `limit` of them. */
function shortest(x: number, dtype: DType, limit = 17): Digits {
  const negative = x < 0 || Object.is(x, -0);
  const magnitude = Math.abs(x);
  if (magnitude === 0) return { negative, digits: "0", exponent: 0 };
  for (let n = 1; ; n++) {
    const text = magnitude.toExponential(n - 1);
    if (n < limit && !sameIn(dtype, Number(text), magnitude)) continue;
    const [mantissa, exponent] = text.split("e") as [string, string];
    return { negative, digits: mantissa.replace(".", "").replace(/0+$/, "") || "0", exponent: Number(exponent) };
  }
}

/** [before the point, after it], of plain notation. */
function positional(x: number, dtype: DType): [string, string] {
  let { negative, digits, exponent } = shortest(x, dtype);
  if (digits.length - 1 - exponent > PRECISION) {
    const fixed = Math.abs(x).toFixed(PRECISION);
    const [whole, fraction] = fixed.split(".") as [string, string];
    return [(negative ? "-" : "") + whole, fraction.replace(/0+$/, "")];
  }
  if (exponent < 0) {
    digits = "0".repeat(-exponent) + digits;
    exponent = 0;
  }
  digits = digits.padEnd(exponent + 1, "0");
  return [(negative ? "-" : "") + digits.slice(0, exponent + 1), digits.slice(exponent + 1)];
}

/** [before the point, after it, exponent], of scientific notation. */
function scientific(x: number, dtype: DType): [string, string, string] {
  const { negative, digits, exponent } = shortest(x, dtype, PRECISION + 1);
  const sign = exponent < 0 ? "-" : "+";
  return [(negative ? "-" : "") + digits[0], digits.slice(1), sign + String(Math.abs(exponent)).padStart(2, "0")];
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((t) => t.length));

/** A function that formats the numbers of a column. */
function floatFormatter(values: readonly number[], dtype: DType): (x: number) => string {
  const finite = values.filter(Number.isFinite);
  const magnitudes = finite.filter((x) => x !== 0).map(Math.abs);
  const most = Math.max(...magnitudes);
  const least = Math.min(...magnitudes);
  const inScience = magnitudes.length > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000);
  let left: number;
  let right: number;
  let write: (x: number) => string;
  if (inScience) {
    const parts = finite.map((x) => scientific(x, dtype));
    const fraction = longest(parts.map((p) => p[1]));
    left = longest(parts.map((p) => p[0]));
    right = fraction + longest(parts.map((p) => p[2])) + 1;
    write = (x) => {
      const [whole, digits, exponent] = scientific(x, dtype);
      return `${whole.padStart(left)}.${digits.padEnd(fraction, "0")}e${exponent}`;
    };
  } else {
    const parts = finite.map((x) => positional(x, dtype));
    left = longest(parts.map((p) => p[0]));
    right = longest(parts.map((p) => p[1]));
    write = (x) => {
      const [whole, digits] = positional(x, dtype);
      return `${whole.padStart(left)}.${digits.padEnd(right)}`;
    };
  }
  if (finite.length < values.length) {
    left = Math.max(left, 3 - right - 1, values.includes(-Infinity) ? 4 - right - 1 : 0);
  }
  return (x) => {
    if (Number.isFinite(x)) return write(x);
    return (Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf").padStart(left + right + 1);
  };
}

function formatter(values: readonly Element[], dtype: DType): (x: Element) => string {
  if (isComplex(dtype)) {
    const pairs = values as readonly { readonly re: number; readonly im: number }[];
    const re = floatFormatter(
      pairs.map((z) => z.re),
      dtype,
    );
    const im = floatFormatter(
      pairs.map((z) => Math.abs(z.im)),
      dtype,
    );
    return (z) => {
      const { re: a, im: b } = z as { readonly re: number; readonly im: number };
      const imaginary = im(Math.abs(b));
      // Blanks at the end of a column go behind the j.
      const digits = imaginary.trimEnd();
      return `${re(a)}${b < 0 || Object.is(b, -0) ? "-" : "+"}${digits.trimStart()}j${" ".repeat(imaginary.length - digits.length)}`;
    };
  }
  if (kindOf(dtype) === "float") {
    const write = floatFormatter(values as readonly number[], dtype);
    return (x) => write(x as number);
  }
  const text = (x: Element) => (typeof x === "boolean" ? (x ? "True" : "False") : String(x));
  const width = longest(values.map(text));
  return (x) => text(x).padStart(width);
}

/** The places of the elements that are shown. */
function shown(size: number, summarized: boolean): (number | null)[] {
  if (!summarized || size <= 2 * EDGE) return Array.from({ length: size }, (_, i) => i);
  return [0, 1, 2, null, size - 3, size - 2, size - 1];
}

function layOut(x: ConcreteArray, separator: string, prefix: string, suffix: string): string {
  const summarized = x.size > THRESHOLD;
  const lineWidth = LINE - suffix.length;
  const values: Element[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === x.ndim) values.push(readElement(x.data, x.dtype, at));
    else for (const i of shown(x.shape[axis], summarized)) if (i !== null) collect(axis + 1, at * x.shape[axis] + i);
  };
  collect(0, 0);
  const write = formatter(values, x.dtype);

  const nested = (axis: number, at: number, indent: string, width: number): string => {
    if (axis === x.ndim) return write(readElement(x.data, x.dtype, at));
    const places = shown(x.shape[axis], summarized);
    const inner = (i: number | null) =>
      i === null ? "..." : nested(axis + 1, at * x.shape[axis] + i, `${indent} `, width - 1);
    if (axis < x.ndim - 1) {
      const between = separator.trimEnd() + "\n".repeat(x.ndim - 1 - axis);
      return `[${places.map((i, k) => (k === 0 ? "" : indent) + inner(i)).join(between)}]`;
    }
    const room = width - Math.max(separator.trimEnd().length, 1);
    let lines = "";
    let line = indent;
    places.forEach((i, k) => {
      const word = inner(i);
      if (line.length + word.length > room && line.length > indent.length) {
        lines += `${line.trimEnd()}\n`;
        line = indent;
      }
      line += word + (k < places.length - 1 ? separator : "");
    });
    return `[${(lines + line).slice(indent.length)}]`;
  };
  return nested(0, 0, ` ${" ".repeat(prefix.length)}`, lineWidth);
}

/** A number as Python's `str` writes it. */
function scalarText(x: ConcreteArray): string {
  const value = readElement(x.data, x.dtype, 0);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object")
    return `(${trimmed(value.re, x.dtype)}${value.im < 0 ? "" : "+"}${trimmed(value.im, x.dtype)}j)`;
  return kindOf(x.dtype) === "float" ? floatText(Number(value), x.dtype) : String(value);
}

const trimmed = (x: number, dtype: DType): string => floatText(x, dtype).replace(/\.0$/, "");

function floatText(x: number, dtype: DType): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  const { negative, digits, exponent } = shortest(x, dtype);
  const sign = negative ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ""}e${power}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 1, "0");
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1) || "0"}`;
}

const hasNumbers = (x: ConcreteArray): boolean => x.dtype !== "float0" && x.dtype !== "key<fry>";

/** The elements alone: `[1.5 2. ]`; a number for rank 0. A traced array shows its type. */
export function elementsText(x: NDArray): string {
  if (!(x instanceof ConcreteArray)) return typeText(x);
  if (!hasNumbers(x)) return typeText(x);
  if (x.ndim === 0) return scalarText(x);
  return x.size === 0 ? "[]" : layOut(x, " ", "", "");
}

/** The elements with their type: `Array([1.5, 2. ], dtype=float32)`. */
export function arrayText(x: NDArray): string {
  if (!(x instanceof ConcreteArray) || !hasNumbers(x)) return typeText(x);
  const prefix = "Array(";
  const type = `dtype=${x.dtype}${x.weakType ? ", weak_type=True" : ""})`;
  const tuple = `(${x.shape.join(", ")}${x.ndim === 1 ? "," : ""})`;
  const body =
    x.size === 0
      ? `[], shape=${tuple}`
      : x.ndim === 0
        ? formatter([readElement(x.data, x.dtype, 0)], x.dtype)(readElement(x.data, x.dtype, 0))
        : layOut(x, ", ", prefix, ",");
  const last = body.length - body.lastIndexOf("\n") + 1;
  const breaks = last + type.length + 1 > LINE;
  return `${prefix}${body},${breaks ? `\n${" ".repeat(prefix.length)}` : " "}${type}`;
}

function typeText(x: NDArray): string {
  const known = x instanceof Tracer ? x.concrete() : null;
  if (known instanceof ConcreteArray) return `Traced(${arrayText(known)})`;
  return x instanceof Tracer ? `Traced<${x.aval.toLongString()}>` : `Array(${x.aval.toLongString()})`;
}

/** Nested lists of host values; the element itself for rank 0. */
export function nestedLists(x: ConcreteArray): unknown {
  const build = (axis: number, at: number): unknown =>
    axis === x.ndim
      ? readElement(x.data, x.dtype, at)
      : Array.from({ length: x.shape[axis] }, (_, i) => build(axis + 1, at * x.shape[axis] + i));
  return build(0, 0);
}
