/**
 * Steps that are calls: of a routine that the target has for an equation, or of the reference engine. A routine that updates writes its result over a copy of its
 * first operand (which costs nothing where that is free to be written to).
 */
import type { Eqn } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import { operandOf } from "./operands.ts";

export function addCall(builder: BlockBuilder, eqn: Eqn, args: readonly Held[]): void {
  const inAvals = args.map((a) => a.aval);
  const routine = builder.context.target.routine(eqn, inAvals);
  const first = routine?.updates === true ? 1 : 0;
  const operands = args.slice(first).map((a, i) => operandOf(builder, a, i + first, routine));
  const outputs =
    first === 1
      ? [builder.fresh(args[0])]
      : eqn.outvars.map((v) => builder.context.buffer(v.aval, "temporary", eqn.primitive.name, eqn.source));
  const bytes = routine?.workspace(operands.map((o) => o.view)) ?? 0;
  const index = builder.push({
    kind: "call",
    routine: routine?.name ?? "reference",
    eqn,
    operands,
    outputs,
    workspace: bytes === 0 ? null : builder.context.workspace(bytes, `workspace of ${eqn.primitive.name}`),
    inAvals: inAvals.slice(first),
    outAvals: eqn.outvars.map((v) => v.aval),
  });
  eqn.outvars.forEach((v, i) => builder.define(v, { kind: "buffer", buffer: outputs[i], ready: index }, eqn));
}
