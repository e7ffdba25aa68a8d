/** Operands of routines: as views of what there is, where the routine takes them so, or as copies in the order that it asks for. */
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held } from "./held.ts";
import { transposed } from "./moves.ts";
import type { Operand } from "./program.ts";
import type { Routine } from "./target.ts";
import { identityView, transposeView } from "./view.ts";

/** The value as operand `index` of a routine, or of the reference kernel. */
export function operandOf(block: BlockBuilder, held: Held, index: number, routine: Routine | null): Operand {
  if (routine === null) return { buffer: block.materialize(held), view: identityView(held.aval.shape) };
  if (held.place.kind === "view" && routine.accepts(index, held.place.view)) {
    const { root, view } = held.place;
    return { buffer: block.materialize(root), view };
  }
  const plain = identityView(held.aval.shape);
  if (routine.accepts(index, plain)) return { buffer: block.materialize(held), view: plain };
  const order = routine.arrange(index);
  const shape = order.map((d) => held.aval.shape[d]);
  const [place] = transposed(block, held, order);
  const buffer = block.materialize({ ...held, place, aval: held.aval.update({ shape }) });
  const back = order.map((_, d) => order.indexOf(d));
  return { buffer, view: transposeView(identityView(shape), back) };
}
