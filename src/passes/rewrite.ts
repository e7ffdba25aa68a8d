/** Small rewritings of jaxprs: closing, reordering inputs, dropping outputs. The same question gives the same object. */
import type { NDArray } from "../core/array.ts";
import { ClosedJaxpr, type Jaxpr, Literal, type Atom } from "../core/jaxpr.ts";
import { Memo, flags } from "../core/memo.ts";

export { constsToInputs } from "../core/stage.ts";

const closed = new Memo<Jaxpr, ClosedJaxpr<NDArray>>();

/** A jaxpr without constvars as a closed one. */
export const close = (jaxpr: Jaxpr): ClosedJaxpr<NDArray> => closed.get(jaxpr, "", () => new ClosedJaxpr(jaxpr, []));

const pruned = new Memo<Jaxpr, Jaxpr>();

/** Drops outputs, and leaves everything else as it is. */
export function pruneOutputs(jaxpr: Jaxpr, keep: readonly boolean[]): Jaxpr {
  return pruned.get(jaxpr, flags(keep), () => jaxpr.replace({ outvars: jaxpr.outvars.filter((_, i) => keep[i]) }));
}

const prunedClosed = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

export function pruneClosedOutputs(jaxpr: ClosedJaxpr<NDArray>, keep: readonly boolean[]): ClosedJaxpr<NDArray> {
  return prunedClosed.get(jaxpr, flags(keep), () => new ClosedJaxpr(pruneOutputs(jaxpr.jaxpr, keep), jaxpr.consts));
}

const moved = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** Moves the inputs where `move` is true behind all others (`front` false) or before them. */
export function moveInputs(
  jaxpr: ClosedJaxpr<NDArray>,
  move: readonly boolean[],
  front: boolean,
): ClosedJaxpr<NDArray> {
  return moved.get(jaxpr, `${flags(move)}${front ? "f" : "b"}`, () => {
    const { invars, debug } = jaxpr.jaxpr;
    const order = [
      ...invars.flatMap((_, i) => ((move[i] ?? false) === front ? [i] : [])),
      ...invars.flatMap((_, i) => ((move[i] ?? false) === front ? [] : [i])),
    ];
    const names = debug?.argNames;
    return new ClosedJaxpr(
      jaxpr.jaxpr.replace({
        invars: order.map((i) => invars[i]),
        debug:
          debug === null
            ? null
            : { ...debug, ...(names === undefined ? {} : { argNames: order.map((i) => names[i]) }) },
      }),
      jaxpr.consts,
    );
  });
}

const separated = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** A closed jaxpr whose constants have become its first inputs. */
export function separateConsts(jaxpr: ClosedJaxpr<NDArray>): ClosedJaxpr<NDArray> {
  return separated.get(jaxpr, "", () => {
    const { constvars, invars } = jaxpr.jaxpr;
    return new ClosedJaxpr(jaxpr.jaxpr.replace({ constvars: [], invars: [...constvars, ...invars] }), []);
  });
}

/** For each output, the input that it merely hands on, or null. */
export function forwardedInputs(jaxpr: Jaxpr): (number | null)[] {
  const index = new Map<Atom, number>(jaxpr.invars.map((v, i) => [v, i]));
  return jaxpr.outvars.map((x) => (x instanceof Literal ? null : (index.get(x) ?? null)));
}

/** For each of `later`, its place among `earlier`, or null: an output that need not be given twice. */
export function forwardedOutputs(earlier: readonly Atom[], later: readonly Atom[]): (number | null)[] {
  const index = new Map<Atom, number>();
  earlier.forEach((x, i) => {
    if (!(x instanceof Literal)) index.set(x, i);
  });
  return later.map((x) => index.get(x) ?? null);
}

const reordered = new Memo<ClosedJaxpr<NDArray>, ClosedJaxpr<NDArray>>();

/** Puts inputs and outputs into another order: the i-th of the result is the `order[i]`-th of the jaxpr. */
export function reorder(
  jaxpr: ClosedJaxpr<NDArray>,
  inOrder: readonly number[],
  outOrder: readonly number[],
): ClosedJaxpr<NDArray> {
  return reordered.get(jaxpr, `${inOrder.join()}/${outOrder.join()}`, () => {
    const { invars, outvars } = jaxpr.jaxpr;
    return new ClosedJaxpr(
      jaxpr.jaxpr.replace({
        invars: inOrder.map((i) => invars[i]),
        outvars: outOrder.map((i) => outvars[i]),
        debug: null,
      }),
      jaxpr.consts,
    );
  });
}
