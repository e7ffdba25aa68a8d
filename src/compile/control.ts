/**
 * Loops and branches as steps that hold blocks. A carry has one place: the body reads it there and leaves its next value there, after everything
 * else has read the old one.
 */
import type { NDArray } from "../core/array.ts";
import type { ClosedJaxpr, Eqn, Var } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import type { Buffer, SlicedBuffer } from "./program.ts";
import { hostBufferOf, putOnHost } from "./transfers.ts";

type Closed = ClosedJaxpr<NDArray>;

export const isControl = (eqn: Eqn): boolean =>
  eqn.primitive.name === "scan" || eqn.primitive.name === "while" || eqn.primitive.name === "cond";

/** Adds the step of a loop or branch; false if it is of a kind that has none. */
export function addControl(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  switch (eqn.primitive.name) {
    case "scan":
      return addScan(block, eqn, args);
    case "while":
      return addWhile(block, eqn, args);
    default:
      return addCond(block, eqn, args);
  }
}

/** A value of the block around, as blocks inside see it: there from the start. */
function outer(block: BlockBuilder, held: Held): Held {
  const { place } = held;
  if (place.kind === "literal" || place.kind === "index") return held;
  if (place.kind === "host") return { ...held, place: { ...place, ready: -1 } };
  if (place.kind === "view" && place.view.guards.length === 0) {
    const root: Held = { ...place.root, place: { kind: "buffer", buffer: block.materialize(place.root), ready: -1 } };
    return { ...held, place: { kind: "view", root, view: place.view } };
  }
  return { ...held, place: { kind: "buffer", buffer: block.materialize(held), ready: -1 } };
}

const inBuffer = (held: Held, buffer: Buffer): Held => ({
  ...held,
  place: { kind: buffer.host ? "host" : "buffer", buffer, ready: -1 },
});

/** A buffer for a result of a loop or branch. */
function resultBuffer({ context }: BlockBuilder, { aval }: Var, label: string, eqn: Eqn): Buffer {
  const buffer = context.buffer(aval, "temporary", label, eqn.source);
  buffer.host = aval.memorySpace === "host";
  return buffer;
}

/** Leaves a value in the place of a result. */
const leave = (inside: BlockBuilder, held: Held, to: Buffer): void => {
  if (to.host) putOnHost(inside, held, to);
  else inside.copyTo(held, to);
};

/** The places of carries, with the first values in them. */
function startCarries(block: BlockBuilder, eqn: Eqn, inits: readonly Held[]): Buffer[] {
  const places = inits.map((h) => block.context.buffer(h.aval, "temporary", `${eqn.primitive.name} carry`, eqn.source));
  inits.forEach((h, i) => block.copyTo(h, places[i]));
  return places;
}

/** Leaves the next values in the places of the carries. Values that lie in a place which is written too are copied away first. */
function passCarries(body: BlockBuilder, next: readonly Held[], places: readonly Buffer[]): void {
  const taken = new Set(places);
  const sources = next.map((held, i) => {
    const buffer = body.materialize(held);
    return buffer !== places[i] && taken.has(buffer) ? inBuffer(held, body.fresh(held)) : held;
  });
  sources.forEach((held, i) => body.copyTo(held, places[i]));
}

function addScan(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  const { jaxpr, length, num_consts, num_carry, reverse } = eqn.params as unknown as {
    readonly jaxpr: Closed;
    readonly length: number;
    readonly num_consts: number;
    readonly num_carry: number;
    readonly reverse: boolean;
  };
  const { context } = block;
  const consts = args.slice(0, num_consts).map((h) => outer(block, h));
  const places = startCarries(block, eqn, args.slice(num_consts, num_consts + num_carry));
  const moving = (whole: Buffer, aval: Held["aval"]): SlicedBuffer => {
    const slice = context.buffer(aval, "temporary", whole.label, whole.source);
    slice.moving = true;
    slice.host = whole.host;
    return { whole, slice };
  };
  const rest = args.slice(num_consts + num_carry);
  const inner = jaxpr.inAvals.slice(num_consts + num_carry);
  const xs = rest.map((h, i) =>
    moving(inner[i].memorySpace === "host" ? hostBufferOf(block, h) : block.materialize(h), inner[i]),
  );
  const body = block.inner();
  const outs = body.run(jaxpr, [
    ...consts,
    ...args.slice(num_consts, num_consts + num_carry).map((h, i) => inBuffer(h, places[i])),
    ...rest.map((h, i) => inBuffer({ ...h, aval: inner[i] }, xs[i].slice)),
  ]);
  const ys = outs.slice(num_carry).map((h, i) => {
    const v = eqn.outvars[num_carry + i];
    const sliced = moving(resultBuffer(block, v, "scan output", eqn), h.aval);
    leave(body, h, sliced.slice);
    return sliced;
  });
  passCarries(body, outs.slice(0, num_carry), places);
  const index = block.push({ kind: "scan", eqn, length, reverse, body: body.finish(), xs, ys });
  const results = [...places, ...ys.map((y) => y.whole)];
  eqn.outvars.forEach((v, i) => {
    block.define(v, { kind: results[i].host ? "host" : "buffer", buffer: results[i], ready: index }, eqn);
  });
  return true;
}

function addWhile(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = eqn.params as unknown as {
    readonly cond_jaxpr: Closed;
    readonly cond_nconsts: number;
    readonly body_jaxpr: Closed;
    readonly body_nconsts: number;
  };
  // Under vmap each element has a condition of its own; the reference kernel runs those.
  if (cond_jaxpr.outAvals[0].ndim > 0) return false;
  const condConsts = args.slice(0, cond_nconsts).map((h) => outer(block, h));
  const bodyConsts = args.slice(cond_nconsts, cond_nconsts + body_nconsts).map((h) => outer(block, h));
  const inits = args.slice(cond_nconsts + body_nconsts);
  const places = startCarries(block, eqn, inits);
  const carries = inits.map((h, i) => inBuffer(h, places[i]));
  const cond = block.inner();
  const [flag] = cond.run(cond_jaxpr, [...condConsts, ...carries]);
  const going = cond.materialize(flag);
  const body = block.inner();
  const next = body.run(body_jaxpr, [...bodyConsts, ...carries]);
  passCarries(body, next, places);
  const index = block.push({ kind: "while", eqn, cond: cond.finish(), going, body: body.finish() });
  eqn.outvars.forEach((v, i) => block.define(v, { kind: "buffer", buffer: places[i], ready: index }, eqn));
  return true;
}

function addCond(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  const branches = eqn.params.branches as readonly Closed[];
  const [first, ...rest] = args;
  if (first.aval.ndim > 0) return false;
  const index = block.materialize(first);
  const operands = rest.map((h) => outer(block, h));
  const outs = eqn.outvars.map((v) => resultBuffer(block, v, "cond", eqn));
  const blocks = branches.map((branch) => {
    const inside = block.inner();
    inside.run(branch, operands).forEach((h, i) => leave(inside, h, outs[i]));
    return inside.finish();
  });
  const at = block.push({ kind: "cond", eqn, index, branches: blocks });
  eqn.outvars.forEach((v, i) => {
    block.define(v, { kind: outs[i].host ? "host" : "buffer", buffer: outs[i], ready: at }, eqn);
  });
  return true;
}
