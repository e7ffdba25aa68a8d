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
  const inputs = closed.inAvals.map((aval, i) =>
    context.buffer(aval, "argument", names?.[i] ?? `argument ${String(i)}`, null),
  );
  const block = new BlockBuilder(context);
  const held = inputs.map((buffer, i): Held => ({
    place: { kind: "buffer", buffer, ready: -1 },
    aval: closed.inAvals[i],
    label: buffer.label,
    source: null,
  }));
  const outs = block.run(closed, held);
  const outputs = outs.map((h) => outputOf(block, context, inputs, h));
  const program: Program = {
    inputs,
    constants: [...context.constants.values()],
    body: block.finish(),
    outputs,
    outAvals: closed.outAvals,
    buffers: context.buffers,
  };
  reuseInPlace(program, options.donated ?? []);
  return { program, layout: layOut(program) };
}

/** What is there already is handed on as it is, without a copy. */
function outputOf(block: BlockBuilder, context: ProgramContext, inputs: readonly Buffer[], held: Held): ProgramOutput {
  if (held.place.kind === "literal" && held.constant !== undefined) return { kind: "value", value: held.constant };
  const buffer = block.materialize(held);
  const index = inputs.indexOf(buffer);
  if (index >= 0) return { kind: "input", index };
  for (const entry of context.constants.values()) {
    if (entry.buffer === buffer) return { kind: "value", value: new ConcreteArray(held.aval, entry.value.data) };
  }
  buffer.kind = "output";
  return { kind: "buffer", buffer };
}
