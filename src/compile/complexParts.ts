/**
 * Complex values as two real ones. In memory their parts lie side by side, so each part of an array is a view with twice the strides; in kernels
 * they are numbers like any other, and only what must exist in memory is written as pairs again.
 */
import type { ConcreteArray } from "../core/array.ts";
import type { Eqn } from "../core/jaxpr.ts";
import { Var } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import { partDType, partEqns, type Parts } from "./complexRules.ts";
import type { Held, Place } from "./held.ts";
import type { Buffer } from "./program.ts";
import type { Piece } from "./reading.ts";
import { identityView, isContiguous, rowMajor } from "./view.ts";

type Pair = Extract<Place, { kind: "pair" }>;

/** Adds the equations on parts that stand for an equation on complex numbers; false if it stays as it is. */
export function addByParts(block: BlockBuilder, eqn: Eqn): boolean {
  const variables = (x: Eqn["invars"][number]): Parts => {
    const [re, im] = partsOf(block, block.held(x)).map((held) => {
      const v = new Var(held.aval);
      block.assign(v, held);
      return v;
    });
    return [re, im];
  };
  const parts = partEqns(eqn, variables);
  if (parts === null) return false;
  block.addInstead(eqn, parts.eqns);
  parts.outs.forEach((out, i) => {
    const v = eqn.outvars[i];
    if (!("length" in out)) block.assign(v, block.held(out));
    else block.define(v, { kind: "pair", re: block.held(out[0]), im: block.held(out[1]) }, eqn);
  });
  return true;
}

/** The real and the imaginary part of a complex value. */
function partsOf(block: BlockBuilder, held: Held): [Held, Held] {
  if (held.place.kind === "pair") return [held.place.re, held.place.im];
  const buffer = block.materialize(held);
  const ready = held.place.kind === "buffer" ? held.place.ready : -1;
  const aval = held.aval.update({ dtype: partDType(held.aval.dtype) });
  const pairs = aval.update({ shape: [...aval.shape, 2] });
  const { label, source } = held;
  const root: Held = { place: { kind: "buffer", buffer, ready }, aval: pairs, label, source };
  const part = (offset: 0 | 1): Held => {
    const view = { ...identityView(aval.shape), strides: rowMajor(aval.shape).map((s) => 2 * s), offset };
    return { place: { kind: "view", root, view }, aval, label, source };
  };
  return [part(0), part(1)];
}

/** A complex constant of rank 0. */
export function pairOf({ aval, data }: ConcreteArray): Place {
  const own = aval.update({ dtype: partDType(aval.dtype) });
  const part = (fill: number | bigint): Held => ({
    ...{ place: { kind: "literal", fill }, aval: own },
    ...{ label: "constant", source: null },
  });
  return { kind: "pair", re: part(data[0]), im: part(data[1]) };
}

/** The parts as pieces of an array of pairs. */
export const piecesOf = ({ re, im }: Pair): Piece[] =>
  [re, im].map((held, offset) => ({ held, strides: rowMajor(held.aval.shape).map((s) => 2 * s), offset }));

/** The array of pairs in which the parts lie already, if they do: after a reshape, for example. */
export function pairsInMemory({ re, im }: Pair): { readonly buffer: Buffer; readonly ready: number } | null {
  if (re.place.kind !== "view" || im.place.kind !== "view") return null;
  const root = re.place.root.place;
  if (root.kind !== "buffer" || im.place.root.place !== root || root.buffer.size !== re.aval.size) return null;
  const whole = [re.place.view, im.place.view].every(
    (view, offset) =>
      view.offset === offset &&
      isContiguous({ ...view, offset: 0, strides: view.strides.map((s) => s / 2) }, re.aval.size),
  );
  return whole ? { buffer: root.buffer, ready: root.ready } : null;
}
