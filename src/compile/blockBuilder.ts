/**
 * From equations to steps. Equations are taken in their order; an elementwise one is added to a kernel that holds its operands in registers, if
 * all its other operands are in memory before that kernel runs, and begins a kernel of its own otherwise. A routine (a product, a loop) ends
 * the stretch in which kernels grow, so nothing moves past it. What recomputes a forward value never joins a kernel that holds anything else:
 * the value would live from there on; but what reads it may join its kernel, and then the value never exists in memory at all.
 */
import type { ShapedArray } from "../core/aval.ts";
import type { ConcreteArray, NDArray } from "../core/array.ts";
import { isComplex } from "../core/dtype.ts";
import { Literal, type Atom, type ClosedJaxpr, type Eqn, type Var } from "../core/jaxpr.ts";
import { addCall } from "./calls.ts";
import { addByParts, pairOf, pairsInMemory, piecesOf } from "./complexParts.ts";
import { addControl, isControl } from "./control.ts";
import type { Held, Place } from "./held.ts";
import { isOneRun, KernelBuilder, spaceOf } from "./kernelBuilder.ts";
import type { Tag } from "./lower.ts";
import { folds } from "./loop.ts";
import { moved, reshaped } from "./moves.ts";
import type { Buffer, Block, CopyStep, Step } from "./program.ts";
import type { ProgramContext } from "./programContext.ts";
import { orderedProgram, type OrderedProgram } from "./ordered.ts";
import { addSlice } from "./slices.ts";
import { isWide, nodeOf, restretch, scalarOf, stretched, type Piece, readNode } from "./reading.ts";
import { addTransfer, bringBack, restored } from "./transfers.ts";
import { asReduction } from "./collectives.ts";
import { widened } from "./widen.ts";
import { identityView, isContiguous, reshapeView, type View } from "./view.ts";

export class BlockBuilder {
  readonly context: ProgramContext;
  readonly #steps: (KernelBuilder | Step)[] = [];
  readonly #values = new Map<Atom, Held>();
  #tags: ReadonlyMap<Var, Tag> = new Map();
  readonly #ownTags = new Map<Var, Tag>();
  /** Kernels before this step don't grow any more. */
  #open = 0;

  constructor(context: ProgramContext) {
    this.context = context;
  }

  /** A builder for a block inside of this one. */
  inner(): BlockBuilder {
    return new BlockBuilder(this.context);
  }

  /** Adds a whole jaxpr, whose inputs are these; gives its outputs. */
  run(closed: ClosedJaxpr<NDArray>, inputs: readonly Held[]): Held[] {
    return this.runOrdered(orderedProgram(closed), inputs);
  }

  runOrdered({ flat: program, eqns }: OrderedProgram, inputs: readonly Held[]): Held[] {
    const { jaxpr, consts } = program.closed;
    this.#tags = program.tags;
    jaxpr.constvars.forEach((v, i) => this.#values.set(v, this.constant(consts[i] as ConcreteArray)));
    jaxpr.invars.forEach((v, i) => this.#values.set(v, inputs[i]));
    for (const eqn of eqns) this.#add(eqn);
    return jaxpr.outvars.map((x) => this.held(x));
  }

  /** The steps, once no more will be added. */
  finish(): Block {
    const steps: Step[] = [];
    for (const step of this.#steps) {
      const done = step.kind === "building" ? step.finish() : step;
      if (done !== null) steps.push(done);
    }
    return { steps };
  }

  constant(value: ConcreteArray): Held {
    const fill = scalarOf(value);
    const place: Place =
      fill !== null && this.context.target.movable(value.dtype)
        ? { kind: "literal", fill }
        : isComplex(value.dtype) && value.ndim === 0
          ? pairOf(value)
          : { kind: "buffer", buffer: this.context.constant(value), ready: -1 };
    return { place, aval: value.aval, label: "constant", source: null, constant: value };
  }

  held(x: Atom): Held {
    const known = this.#values.get(x);
    if (known !== undefined) return known;
    if (!(x instanceof Literal)) throw new RangeError("a variable is read before it is defined");
    const held = this.constant(x.value);
    this.#values.set(x, held);
    return held;
  }

  /** The buffers of those of these variables that have one. */
  buffersOf(vars: readonly Var[]): Map<Var, Buffer> {
    const out = new Map<Var, Buffer>();
    for (const v of vars) {
      const place = this.#values.get(v)?.place;
      if (place?.kind === "buffer") out.set(v, place.buffer);
    }
    return out;
  }

  define(v: Var, place: Place, eqn: Eqn): void {
    this.#values.set(v, { place, aval: v.aval, label: eqn.primitive.name, source: eqn.source });
  }

  assign(v: Var, held: Held): void {
    this.#values.set(v, held);
  }

  /** Adds equations that stand for another one. */
  addInstead(eqn: Eqn, eqns: readonly Eqn[]): void {
    const tag = this.#tags.get(eqn.outvars[0]) ?? this.#ownTags.get(eqn.outvars[0]);
    for (const e of eqns) {
      if (tag !== undefined) this.#ownTags.set(e.outvars[0], tag);
      this.#add(e);
    }
  }

  /** The step after which a value can be read by a kernel: its own kernel for nodes. */
  #ready(held: Held): number {
    const { place } = held;
    switch (place.kind) {
      case "literal":
      case "index":
        return -1;
      case "buffer":
      case "host":
        return place.ready;
      case "view":
        return this.#ready(place.root);
      case "pair":
        return Math.max(this.#ready(place.re), this.#ready(place.im));
      case "node":
        return place.kernel.index;
    }
  }

  /** A buffer with the value's elements in row-major order. */
  materialize(held: Held): Buffer {
    const { place } = held;
    if (place.kind === "buffer") return place.buffer;
    if (place.kind === "host") {
      const back = restored(this, held, place.buffer, null);
      held.place = back;
      return back.buffer;
    }
    if (place.kind === "node") {
      const buffer = this.#fresh(held);
      place.kernel.store(place.node, buffer);
      held.place = { kind: "buffer", buffer, ready: place.kernel.index };
      return buffer;
    }
    if (place.kind === "view" && isContiguous(place.view, place.root.aval.size)) {
      const buffer = this.materialize(place.root);
      held.place = { kind: "buffer", buffer, ready: this.#ready(place.root) };
      return buffer;
    }
    if (place.kind === "pair") {
      const there = pairsInMemory(place);
      const buffer = there?.buffer ?? this.#fresh(held);
      const ready = there?.ready ?? this.#writePieces(buffer, piecesOf(place), null, true);
      held.place = { kind: "buffer", buffer, ready };
      return buffer;
    }
    const buffer = this.#fresh(held);
    const kernel = this.#newKernel(spaceOf(held.aval.shape), null, isWide(held.aval));
    const node = readNode(this, kernel, held, identityView(held.aval.shape));
    if (node === null) throw new RangeError("a view can't be copied");
    kernel.store(node, buffer);
    held.place = { kind: "buffer", buffer, ready: kernel.index };
    return buffer;
  }

  #fresh(held: Held): Buffer {
    return this.context.buffer(held.aval, "temporary", held.label, held.source);
  }

  /** An array whose parts are written by strides; what no part covers is `fill`. */
  scattered(eqn: Eqn, aval: ShapedArray, pieces: readonly Piece[], fill: Held | null): Place {
    const buffer = this.context.buffer(aval, "temporary", eqn.primitive.name, eqn.source);
    let ready = -1;
    if (fill !== null) {
      this.#settle(fill);
      const kernel = this.#newKernel(spaceOf(aval.shape), null, isWide(aval));
      kernel.mixed = true;
      kernel.store(readNode(this, kernel, fill, restretch(identityView([]), aval.shape)) as number, buffer);
      ready = kernel.index;
    }
    return { kind: "buffer", buffer, ready: Math.max(ready, this.#writePieces(buffer, pieces, eqn, fill === null)) };
  }

  /** Writes pieces to their places; those that are in registers from there, if nothing else was written to these places before. */
  #writePieces(buffer: Buffer, pieces: readonly Piece[], eqn: Eqn | null, empty: boolean): number {
    let ready = -1;
    for (const { held, strides, offset } of pieces) {
      if (held.aval.size === 0) continue;
      const target = { ...identityView(held.aval.shape), strides, offset };
      const inside = empty ? nodeOf(held) : null;
      const onSpace = inside === null ? null : reshapeView(target, inside.kernel.space);
      if (inside !== null && onSpace !== null && inside.kernel.index >= this.#open) {
        inside.kernel.storeView(inside.node, buffer, onSpace.strides, onSpace.offset);
        ready = Math.max(ready, inside.kernel.index);
        continue;
      }
      this.#settle(held);
      const kernel = this.#newKernel(spaceOf(held.aval.shape), null, isWide(held.aval));
      kernel.mixed = true;
      const node = readNode(this, kernel, held, identityView(held.aval.shape)) as number;
      if (eqn !== null) kernel.eqns.push(eqn);
      const own = reshapeView(target, kernel.space) as View;
      kernel.storeView(node, buffer, own.strides, own.offset);
      ready = kernel.index;
    }
    return ready;
  }

  /** Adds a step that kernels don't move past. */
  push(step: Step): number {
    this.#open = this.add(step) + 1;
    return this.#open - 1;
  }

  /** Adds a step; kernels before it may still grow by what doesn't need it. */
  add(step: Step): number {
    return this.#steps.push(step) - 1;
  }

  /** Copies a value into a buffer. */
  copyTo(held: Held, to: Buffer): void {
    const from = this.materialize(held);
    if (from.root === to.root) return;
    const step: CopyStep = { kind: "copy", from, to };
    this.push(step);
  }

  /** A copy of a value in a buffer of its own. */
  fresh(held: Held): Buffer {
    const to = this.#fresh(held);
    const step: CopyStep = { kind: "copy", from: this.materialize(held), to };
    this.push(step);
    return to;
  }

  #newKernel(space: readonly number[], region: number | null, wide: boolean): KernelBuilder {
    const kernel = new KernelBuilder(this.#steps.length, space, region, wide);
    this.#steps.push(kernel);
    return kernel;
  }

  #add(eqn: Eqn): void {
    const { target } = this.context;
    const args = eqn.invars.map((x) => this.held(x));
    if (eqn.outvars.every((v) => v.aval.size === 0)) {
      for (const v of eqn.outvars) {
        const buffer = this.context.buffer(v.aval, "temporary", eqn.primitive.name, eqn.source);
        this.define(v, { kind: "buffer", buffer, ready: -1 }, eqn);
      }
      return;
    }
    const wide = asReduction(eqn) ?? widened(eqn);
    if (wide !== null) {
      this.addInstead(eqn, wide);
      return;
    }
    if (addTransfer(this, eqn, args)) return;
    if (isControl(eqn) && addControl(this, eqn, args)) return;
    bringBack(this, eqn, args);
    if (addSlice(this, eqn, args) || addByParts(this, eqn)) return;
    const movable = [...args.map((a) => a.aval), ...eqn.outvars.map((v) => v.aval)].every((a) =>
      target.movable(a.dtype),
    );
    if (movable && args.every((a) => a.aval.size > 0)) {
      const places = moved(this, eqn, args);
      if (places !== null) {
        eqn.outvars.forEach((v, i) => this.define(v, places[i], eqn));
        return;
      }
      if (eqn.outvars.length === 1 && target.elementwise(eqn)) {
        this.#addElementwise(eqn, args);
        return;
      }
      if (Object.hasOwn(folds, eqn.primitive.name) && target.reduction(eqn)) {
        this.#addReduction(eqn, args[0]);
        return;
      }
    }
    addCall(this, eqn, args);
  }

  #addElementwise(eqn: Eqn, args: readonly Held[]): void {
    const [out] = eqn.outvars;
    const views = args.map((a) => stretched(a, out.aval));
    const kernel = this.#kernelFor(eqn, args, out.aval);
    const nodes = args.map((a, i) => readNode(this, kernel, a, views[i]));
    const dtype = out.aval.dtype;
    kernel.eqns.push(eqn);
    const node = kernel.op(eqn.primitive, nodes as number[], eqn.params, dtype);
    this.define(out, { kind: "node", kernel, node }, eqn);
  }

  #addReduction(eqn: Eqn, arg: Held): void {
    const axes = eqn.params.axes as readonly number[];
    const [out] = eqn.outvars;
    const flags = arg.aval.shape.map((_, d) => axes.includes(d));
    if (flags.every((folded, d) => !folded || arg.aval.shape[d] === 1)) {
      // A fold of one element is the element.
      this.define(out, reshaped(this, arg, out.aval.shape), eqn);
      return;
    }
    if ((arg.place.kind === "view" || arg.place.kind === "index") && nodeOf(arg) === null) {
      const space = spaceOf(arg.aval.shape);
      const folded = flags.filter((_, d) => arg.aval.shape[d] !== 1);
      const onSpace = reshapeView(arg.place.view, space);
      if (onSpace === null || !isOneRun(onSpace.strides, onSpace.guards, space, folded)) this.materialize(arg);
    }
    const kernel = this.#kernelFor(eqn, [arg], arg.aval, flags);
    const node = readNode(this, kernel, arg, identityView(arg.aval.shape)) as number;
    const reduced = kernel.canReduce(arg.aval.shape, flags) as readonly boolean[];
    const buffer = this.context.buffer(out.aval, "temporary", eqn.primitive.name, eqn.source);
    kernel.eqns.push(eqn);
    kernel.reduce(folds[eqn.primitive.name], node, buffer, reduced);
    this.define(out, { kind: "buffer", buffer, ready: kernel.index }, eqn);
  }

  /** The kernel that an equation on arrays of this type joins: made ready to read all of its operands. */
  #kernelFor(eqn: Eqn, args: readonly Held[], aval: ShapedArray, flags?: readonly boolean[]): KernelBuilder {
    const tag = this.#tags.get(eqn.outvars[0]) ?? this.#ownTags.get(eqn.outvars[0]);
    const wide = isWide(eqn.outvars[0].aval) || args.some((a) => isWide(a.aval));
    const joinable = (kernel: KernelBuilder): boolean => {
      if (kernel.index < this.#open || kernel.full || kernel.wide !== wide) return false;
      if (tag?.recomputed === true && (kernel.mixed || kernel.region !== tag.region)) return false;
      for (const a of args) {
        const inside = nodeOf(a)?.kernel === kernel && a.aval.size === kernel.size;
        if (!inside && this.#ready(a) >= kernel.index) return false;
      }
      if (flags === undefined ? !kernel.adopt(aval.shape) : kernel.canReduce(aval.shape, flags) === null) return false;
      return args.every((a) => {
        const { place } = a;
        if (nodeOf(a)?.kernel === kernel || (place.kind !== "view" && place.kind !== "index")) return true;
        return kernel.admits(restretch(place.view, aval.shape));
      });
    };
    let chosen: KernelBuilder | null = null;
    const holders = new Set<KernelBuilder>();
    for (const a of args) {
      const inside = nodeOf(a);
      if (inside !== null) holders.add(inside.kernel);
    }
    for (const kernel of [...holders].sort((a, b) => b.index - a.index)) {
      if (joinable(kernel)) {
        chosen = kernel;
        break;
      }
    }
    chosen ??= this.#sibling(args, joinable);
    if (chosen === null) {
      // What lies in another kernel's registers must be stored first, which may begin kernels of its own.
      for (const a of args) this.#settle(a);
      chosen = this.#newKernel(spaceOf(aval.shape), tag?.recomputed === true ? tag.region : null, wide);
      if (flags !== undefined) chosen.reduced = chosen.canReduce(aval.shape, flags);
    }
    for (const a of args) {
      if (nodeOf(a)?.kernel !== chosen || a.aval.size !== chosen.size) this.#settle(a);
    }
    if (tag?.recomputed !== true) chosen.mixed = true;
    return chosen;
  }

  /** The last kernel, if it reads what the operands are. */
  #sibling(args: readonly Held[], joinable: (kernel: KernelBuilder) => boolean): KernelBuilder | null {
    const last = this.#steps[this.#steps.length - 1];
    if (last === undefined || last.kind !== "building" || last.index < this.#open) return null;
    const shares = args.some((a) => {
      const root = a.place.kind === "view" ? a.place.root : a;
      return root.place.kind === "buffer" && last.buffersRead.has(root.place.buffer);
    });
    return shares && joinable(last) ? last : null;
  }

  /** Sees to it that a value can be loaded: from a buffer, or as a scalar. */
  #settle(held: Held): void {
    const { place } = held;
    if (place.kind === "node") this.materialize(held);
    else if (place.kind === "view" && place.root.place.kind === "node") this.materialize(place.root);
  }
}
