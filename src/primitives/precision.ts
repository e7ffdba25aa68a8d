/**
 * The precision of products, as it stands in programs. Engines of this library compute every product in full precision; the setting is
 * kept for programs that are handed on, and because policies and printed programs show it.
 */
import { RematValueError } from "../errors.ts";
import type { Precision, PrecisionPair } from "./dot.ts";

/** A precision, or one for each operand. */
export type PrecisionLike = string | null | undefined | readonly [string, string];

const names: Readonly<Record<string, Precision>> = {
  default: "DEFAULT",
  fastest: "DEFAULT",
  bfloat16: "DEFAULT",
  high: "HIGH",
  bfloat16_3x: "HIGH",
  tensorfloat32: "HIGH",
  highest: "HIGHEST",
  float32: "HIGHEST",
};

function parse(name: string): Precision {
  const precision = names[name] ?? names[name.toLowerCase()];
  if (precision === undefined) {
    throw new RematValueError(
      `Precision argument must be one of:\n- null,\n- a string in [${Object.keys(names).join(", ")}],\n` +
        `- a pair of two such strings;\nbut got ${name}.`,
    );
  }
  return precision;
}

/** A pair of precisions, or null if none was asked for. */
export function canonicalPrecision(precision: PrecisionLike): PrecisionPair | null {
  if (precision === null || precision === undefined) return null;
  if (typeof precision === "string") return [parse(precision), parse(precision)];
  return [parse(precision[0]), parse(precision[1])];
}
