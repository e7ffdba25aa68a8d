/** The whole way from a jaxpr to a program that is laid out: steps, in-place writes, places in the arena. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import type { Engine, RunOptions } from "../core/engine.ts";
import type { ClosedJaxpr, Var } from "../core/jaxpr.ts";
import { BlockBuilder } from "./blockBuilder.ts";
import { orderedProgram, type OrderedProgram } from "./ordered.ts";
import { ProgramContext } from "./programContext.ts";
import { forgetCheapValues } from "./cheap.ts";
import type { Held } from "./held.ts";
import { reuseInPlace } from "./inPlace.ts";
import { layOut, type Layout } from "./layout.ts";
import type { Buffer, Program, ProgramOutput } from "./program.ts";
import type { Target } from "./target.ts";

export interface Compiled {
  readonly program: Program;
  readonly layout: Layout;
  /** The buffers in which values of the program lie: what lies in none, or in a part of one, is missing. */
  readonly buffers: ReadonlyMap<Var, Buffer>;
}

/** An engine that makes a program of a jaxpr, with its memory laid out, before it runs it. */
export interface CompilingEngine extends Engine {
  readonly target: Target;
  /** The program that runs a jaxpr. */
  compile(closed: ClosedJaxpr<NDArray>, options?: RunOptions): Compiled;
}

export const isCompiling = (engine: Engine): engine is CompilingEngine => "compile" in engine;

export const compileProgram = (closed: ClosedJaxpr<NDArray>, target: Target, options: RunOptions = {}): Compiled =>
  compileOrdered(closed, orderedProgram(closed), target, options);

/** Compiles equations in the order in which they are given. */
export function compileOrdered(
  closed: ClosedJaxpr<NDArray>,
  ordered: OrderedProgram,
  target: Target,
  options: RunOptions,
): Compiled {
  const context = new ProgramContext(target);
  const names = closed.jaxpr.debug?.argNames;
  const { inAvals, outAvals } = closed;
  const inputs = inAvals.map((aval, i) =>
    context.buffer(aval, "argument", names?.[i] ?? `argument ${String(i)}`, null),
  );
  const block = new BlockBuilder(context);
  inputs.forEach((buffer, i) => (buffer.host = inAvals[i].memorySpace === "host"));
  const held = inputs.map((buffer, i): Held => ({
    place: { kind: buffer.host ? "host" : "buffer", buffer, ready: -1 },
    aval: inAvals[i],
    label: buffer.label,
    source: null,
  }));
  const outs = block.runOrdered(ordered, held);
  const there = new Map<Buffer, ProgramOutput | ConcreteArray>();
  inputs.forEach((b, index) => there.set(b, { kind: "input", index }));
  for (const { buffer, value } of context.constants.values()) there.set(buffer, value);
  const outputs = outs.map((h) => outputOf(block, there, h));
  const program: Program = {
    inputs,
    constants: [...context.constants.values()],
    body: block.finish(),
    outputs,
    outAvals,
    buffers: context.buffers,
  };
  options.onProgress?.({ phase: "fuse", done: 1 });
  forgetCheapValues(program);
  reuseInPlace(program, options.donated ?? []);
  const layout = layOut(program);
  options.onProgress?.({ phase: "layout", done: 1 });
  return { program, layout, buffers: block.buffersOf(ordered.eqns.flatMap((e) => e.outvars)) };
}

/** What is there already is handed on as it is, without a copy. */
function outputOf(
  block: BlockBuilder,
  there: ReadonlyMap<Buffer, ProgramOutput | ConcreteArray>,
  held: Held,
): ProgramOutput {
  if ((held.place.kind === "literal" || held.place.kind === "pair") && held.constant !== undefined)
    return { kind: "value", value: held.constant };
  const buffer = held.place.kind === "host" ? held.place.buffer : block.materialize(held);
  const known = there.get(buffer);
  if (known instanceof ConcreteArray) return { kind: "value", value: new ConcreteArray(held.aval, known.data) };
  if (known !== undefined) return known;
  buffer.kind = "output";
  return { kind: "buffer", buffer };
}
