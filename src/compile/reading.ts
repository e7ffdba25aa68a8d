/** How operands are read at the places of a result. */
import type { ConcreteArray } from "../core/array.ts";
import type { Shape, ShapedArray } from "../core/aval.ts";
import { dtypes } from "../core/dtype.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import type { KernelBuilder } from "./kernelBuilder.ts";
import { broadcastView, identityView, isContiguous, type Fill, type View } from "./view.ts";

/** A part of an array that is written by strides. */
export interface Piece {
  readonly held: Held;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The register in which a value lies, if it lies in one: reshapes don't matter, since nodes are known by the number of the place. */
export function nodeOf({ place }: Held): { readonly kernel: KernelBuilder; readonly node: number } | null {
  if (place.kind === "node") return place;
  if (place.kind !== "view" || place.root.place.kind !== "node") return null;
  return isContiguous(place.view, place.root.aval.size) ? place.root.place : null;
}

export const isWide = ({ dtype }: ShapedArray): boolean => dtypes[dtype].bytes === 8;

/** How an operand's own elements stand at the places of the result: what is missing or of length 1 is repeated. */
export function stretched(held: Held, out: ShapedArray): View {
  return restretch(identityView(held.aval.shape), out.shape);
}

/** The view, repeated along the dimensions in which its shape falls short. */
export function restretch(own: View, shape: Shape): View {
  if (own.shape.length === shape.length && own.shape.every((d, i) => d === shape[i])) return own;
  const lead = shape.length - own.shape.length;
  return broadcastView(
    own,
    shape,
    own.shape.map((_, d) => d + lead),
  );
}

/** The element of a rank-0 array, if it is one number. */
export function scalarOf(value: ConcreteArray): Fill | null {
  if (value.ndim > 0 || dtypes[value.dtype].lanes !== 1) return null;
  return value.data[0];
}

/** The node by which a kernel reads a view (of the held value's own shape, or stretched). */
export function readNode(block: BlockBuilder, kernel: KernelBuilder, held: Held, view: View): number | null {
  const { place, aval } = held;
  switch (place.kind) {
    case "literal":
      return kernel.constant(place.fill, aval.dtype);
    case "node":
      if (place.kernel === kernel && aval.size === kernel.size) return place.node;
      return kernel.load(block.materialize(held), view, aval.dtype);
    case "host":
      throw new RangeError("a value of the host is read before it is restored");
    case "pair":
      return unreadable(held);
    case "buffer":
      return kernel.load(place.buffer, view, aval.dtype) ?? unreadable(held);
    case "index":
      return kernel.index_(restretch(place.view, view.shape), aval.dtype) ?? unreadable(held);
    case "view": {
      const { root, view: own } = place;
      const inside = nodeOf(held);
      if (inside?.kernel === kernel && aval.size === kernel.size) return inside.node;
      const target = restretch(own, view.shape);
      if (root.place.kind === "literal") return kernel.constant(root.place.fill, aval.dtype);
      return kernel.load(block.materialize(root), target, aval.dtype) ?? unreadable(held);
    }
  }
}

function unreadable(held: Held): never {
  throw new RangeError(`a view of type ${String(held.aval)} can't be read on its kernel's space`);
}
