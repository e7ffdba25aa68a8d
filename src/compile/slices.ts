/**
 * Slices whose place is known when they run only. An update is a copy of the array, of which one part is then written over; where nobody reads the
 * old array afterwards, the copy is made in its place, which is no copy at all: so a loop that fills an array row by row moves the rows only.
 */
import type { Eqn } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import type { Buffer } from "./program.ts";

/** Adds the step of a dynamic slice or update; false for other equations, and for indices that aren't int32. */
export function addSlice(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): boolean {
  const { name } = eqn.primitive;
  const writes = name === "dynamic_update_slice";
  if (!writes && name !== "dynamic_slice") return false;
  const indices = args.slice(writes ? 2 : 1);
  if (indices.some((h) => h.aval.dtype !== "int32" || h.aval.ndim > 0)) return false;
  const [array] = args;
  const [out] = eqn.outvars;
  if (array.aval.size === 0 || out.aval.size === 0) return false;
  const starts = indices.map((h): Buffer | number =>
    h.place.kind === "literal" ? Number(h.place.fill) : block.materialize(h),
  );
  const { shape } = array.aval;
  if (writes) {
    const part = args[1];
    if (part.aval.size === 0) return false;
    const from = block.materialize(part);
    const to = block.fresh(array);
    const index = block.push({
      ...{ kind: "slice", eqn, writes, array: to, part: from, starts, shape },
      sizes: part.aval.shape,
    });
    block.define(out, { kind: "buffer", buffer: to, ready: index }, eqn);
    return true;
  }
  const from = block.materialize(array);
  const to = block.context.buffer(out.aval, "temporary", name, eqn.source);
  const index = block.push({
    ...{ kind: "slice", eqn, writes, array: from, part: to, starts, shape },
    sizes: out.aval.shape,
  });
  block.define(out, { kind: "buffer", buffer: to, ready: index }, eqn);
  return true;
}
