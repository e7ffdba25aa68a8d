/** What the compiler knows of a value: where its elements are, or how they follow from others. */
import type { ShapedArray } from "../core/aval.ts";
import type { ConcreteArray } from "../core/array.ts";
import type { Source } from "../core/source.ts";
import type { KernelBuilder } from "./kernelBuilder.ts";
import type { Buffer } from "./program.ts";
import type { Fill, View } from "./view.ts";

export type Place =
  /** The same scalar everywhere. */
  | { readonly kind: "literal"; readonly fill: Fill }
  /** In memory, row-major; `ready` is the step that makes it, -1 for what is there before the first one. */
  | { readonly kind: "buffer"; readonly buffer: Buffer; readonly ready: number }
  /** Out of the arena, in host memory; it must be restored before anything but a transfer reads it. */
  | { readonly kind: "host"; readonly buffer: Buffer; readonly ready: number }
  /** Elements of another value, which is no view itself. */
  | { readonly kind: "view"; readonly root: Held; readonly view: View }
  /** The numbers of places, as `iota` makes them. */
  | { readonly kind: "index"; readonly view: View }
  /** The parts of a complex value. */
  | { readonly kind: "pair"; readonly re: Held; readonly im: Held }
  /** A node of a kernel, in registers so far. */
  | { readonly kind: "node"; readonly kernel: KernelBuilder; readonly node: number };

export interface Held {
  place: Place;
  readonly aval: ShapedArray;
  readonly label: string;
  readonly source: Source | null;
  /** A constant as it came, for equations that need its value. */
  readonly constant?: ConcreteArray;
}
