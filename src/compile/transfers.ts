/**
 * Values in host memory. `device_put` to the host takes a value out of the arena (an offload), `device_put` back makes a new buffer of the arena
 * with its elements (a restore); between the two nothing of it lies in the arena. Loops hand such values through as they are: the slices of a
 * stacked one lie in host memory too. Any other equation may read them; then they are restored for it.
 *
 * A carry of a loop is always in the arena, also where its type says that it is a value of the host.
 */
import type { Eqn } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held, Place } from "./held.ts";
import { same } from "./moves.ts";
import type { Buffer } from "./program.ts";

/** Equations that give their operands other names, wherever those lie. */
const handsOn: ReadonlySet<string> = new Set(["optimization_barrier", "name"]);

/** Adds the steps of a `device_put`; false for other equations. */
export function addTransfer(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  if (eqn.primitive.name !== "device_put") return false;
  eqn.outvars.forEach((v, i) => {
    block.define(v, v.aval.memorySpace === "host" ? toHost(block, eqn, args[i]) : toDevice(block, eqn, args[i]), eqn);
  });
  return true;
}

function toHost(block: BlockBuilder, eqn: Eqn, held: Held): Place {
  const { place } = held;
  if (place.kind === "host" || place.kind === "literal" || place.kind === "index") return place;
  const from = block.materialize(held);
  // What is there for the whole run can't leave.
  if (from.kind !== "temporary") return same(held);
  const to = block.context.hostBuffer(held.aval, from.label, from.source);
  return { kind: "host", buffer: to, ready: block.add({ kind: "offload", eqn, from, to }) };
}

const toDevice = (block: BlockBuilder, eqn: Eqn, held: Held): Place =>
  held.place.kind === "host" ? restored(block, held, held.place.buffer, eqn) : same(held);

/** A new buffer of the arena with the elements of a host buffer. */
export function restored(block: BlockBuilder, held: Held, from: Buffer, eqn: Eqn | null): Place & { kind: "buffer" } {
  const to = block.context.buffer(held.aval, "temporary", from.label, from.source);
  return { kind: "buffer", buffer: to, ready: block.add({ kind: "restore", eqn, from, to }) };
}

/** Sees to it that an equation which knows nothing of memories finds its operands in the arena. */
export function bringBack(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): void {
  if (handsOn.has(eqn.primitive.name)) return;
  for (const held of args) {
    if (held.place.kind === "host") block.materialize(held);
    else if (held.place.kind === "view" && held.place.root.place.kind === "host") block.materialize(held.place.root);
  }
}

/** The host buffer that holds a value. */
export function hostBufferOf(block: BlockBuilder, held: Held): Buffer {
  if (held.place.kind === "host") return held.place.buffer;
  const to = block.context.hostBuffer(held.aval, held.label, held.source);
  block.add({ kind: "offload", eqn: null, from: block.materialize(held), to });
  return to;
}

/** Brings a value to a host buffer that is there; what the block itself offloads goes there at once. */
export function putOnHost(block: BlockBuilder, held: Held, to: Buffer): void {
  if (held.place.kind === "host") {
    const { buffer, ready } = held.place;
    if (ready >= 0 && buffer.alias === null && !buffer.moving) {
      buffer.alias = to;
      return;
    }
  }
  block.add({ kind: "offload", eqn: null, from: block.materialize(held), to });
}
