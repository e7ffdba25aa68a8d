/** The whole way from a jaxpr to a program that is laid out: steps, in-place writes, places in the arena. */
import { ConcreteArray, type NDArray } from "../core/array.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { BlockBuilder, ProgramContext } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import { reuseInPlace } from "./inPlace.ts";
import { layOut, type Layout } from "./layout.ts";
import type { Buffer, Program, ProgramOutput } from "./program.ts";
import type { Target } from "./target.ts";

export interface CompileOptions {
  /** For each argument, whether its memory may be written to. */
  readonly donated?: readonly boolean[];
}

export interface Compiled {
  readonly program: Program;
  readonly layout: Layout;
}

export function compileProgram(closed: ClosedJaxpr<NDArray>, target: Target, options: CompileOptions = {}): Compiled {
  const context = new ProgramContext(target);
  const names = closed.jaxpr.debug?.argNames;
  const { inAvals, outAvals } = closed;
  const inputs = inAvals.map((aval, i) =>
    context.buffer(aval, "argument", names?.[i] ?? `argument ${String(i)}`, null),
  );
  const block = new BlockBuilder(context);
  const held = inputs.map((buffer, i): Held => ({
    place: { kind: "buffer", buffer, ready: -1 },
    aval: inAvals[i],
    label: buffer.label,
    source: null,
  }));
  const outs = block.run(closed, held);
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
  reuseInPlace(program, options.donated ?? []);
  return { program, layout: layOut(program) };
}

/** What is there already is handed on as it is, without a copy. */
function outputOf(
  block: BlockBuilder,
  there: ReadonlyMap<Buffer, ProgramOutput | ConcreteArray>,
  held: Held,
): ProgramOutput {
  if (held.place.kind === "literal" && held.constant !== undefined) return { kind: "value", value: held.constant };
  const buffer = block.materialize(held);
  const known = there.get(buffer);
  if (known instanceof ConcreteArray) return { kind: "value", value: new ConcreteArray(held.aval, known.data) };
  if (known !== undefined) return known;
  buffer.kind = "output";
  return { kind: "buffer", buffer };
}
