/**
 * Reverse mode: the backward pass over a linear program. Equations that do not depend on linear inputs are evaluated on the way forward; the
 * others are visited in reverse, and each hands the cotangents of its outputs on to its linear operands, where they add up.
 */
import { addTangents } from "../core/addAny.ts";
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray } from "../core/aval.ts";
import { rebind } from "../core/evalJaxpr.ts";
import { Literal, type Atom, type Eqn, type Jaxpr } from "../core/jaxpr.ts";
import { UndefinedPrimal, type Operand, type Primitive, type Tangent } from "../core/primitive.ts";
import { swapReplaying } from "../core/memo.ts";
import { swapSource } from "../core/source.ts";
import { zip } from "../core/zip.ts";
import { NotDifferentiableError, RematValueError } from "../errors.ts";

/** Where the cotangents of one linear variable add up. It may start at a value. */
export class Accumulator {
  readonly aval: ShapedArray;
  value: Tangent;

  constructor(aval: ShapedArray, value: Tangent = null) {
    this.aval = aval;
    this.value = value;
  }

  add(ct: Tangent): void {
    if (ct === null) return;
    if (!shapesEqual(ct.shape, this.aval.shape)) {
      throw new RematValueError(
        `a cotangent has the wrong type: Expected cotangent type ${this.aval.toLongString()} but got ${ct.aval.toLongString()}. ` +
          "A transpose rule or a custom backward rule returned it; each cotangent must have the shape of its operand.",
      );
    }
    this.value = addTangents(this.value, ct);
  }
}

/**
 * The cotangents of the linear inputs (those given as `UndefinedPrimal` or `Accumulator`), and `null` for the others. `null` among `cts` is a
 * symbolic zero.
 */
export function backwardPass(
  jaxpr: Jaxpr,
  consts: readonly NDArray[],
  inputs: readonly (Operand | Accumulator)[],
  cts: readonly Tangent[],
): Tangent[] {
  const starts = inputs.map((x) => (x instanceof UndefinedPrimal ? new Accumulator(x.aval) : x));
  const results = (): Tangent[] => starts.map((x) => (x instanceof Accumulator ? x.value : null));
  if (cts.every((ct) => ct === null)) return results();
  const env = new Map<Atom, NDArray | Accumulator>();
  for (const [v, c] of zip(jaxpr.constvars, consts)) env.set(v, c);
  for (const [v, x] of zip(jaxpr.invars, starts)) env.set(v, x);
  const read = (x: Atom): NDArray | Accumulator =>
    x instanceof Literal ? x.value : (env.get(x) as NDArray | Accumulator);
  const saved = swapSource(undefined);
  const replaying = swapReplaying(true);
  try {
    const linear = sweepForward(jaxpr, env, read);
    for (const [x, ct] of zip(jaxpr.outvars, cts)) {
      const sink = read(x);
      if (sink instanceof Accumulator) sink.add(ct);
    }
    for (let i = linear.length - 1; i >= 0; i--) {
      const eqn = linear[i];
      swapSource(eqn.source ?? saved);
      transposeEquation(
        eqn,
        eqn.outvars.map((v) => (env.get(v) as Accumulator).value),
        eqn.invars.map(read),
      );
    }
  } finally {
    swapReplaying(replaying);
    swapSource(saved);
  }
  return results();
}

function sweepForward(
  jaxpr: Jaxpr,
  env: Map<Atom, NDArray | Accumulator>,
  read: (x: Atom) => NDArray | Accumulator,
): Eqn[] {
  const linear: Eqn[] = [];
  for (const eqn of jaxpr.eqns) {
    const args = eqn.invars.map(read);
    if (args.some((x) => x instanceof Accumulator)) {
      for (const v of eqn.outvars) env.set(v, new Accumulator(v.aval.toTangent()));
      linear.push(eqn);
    } else {
      swapSource(eqn.source);
      const outs = rebind(eqn, args as NDArray[]);
      eqn.outvars.forEach((v, i) => env.set(v, outs[i]));
    }
  }
  return linear;
}

function transposeEquation(eqn: Eqn, cts: readonly Tangent[], args: readonly (NDArray | Accumulator)[]): void {
  const { primitive, params } = eqn;
  if (primitive.transposesZeros !== true && cts.every((ct) => ct === null)) return;
  if (primitive.transpose === undefined) throw noTranspose(primitive);
  const operands = args.map((x) => (x instanceof Accumulator ? new UndefinedPrimal(x.aval) : x));
  const outs = primitive.transpose(
    cts,
    operands,
    params,
    eqn.outvars.map((v) => v.aval),
  );
  args.forEach((x, i) => {
    if (x instanceof Accumulator) x.add(outs[i] ?? null);
  });
}

function noTranspose(primitive: Primitive): NotDifferentiableError {
  return new NotDifferentiableError(
    `reverse-mode differentiation of '${primitive.name}' was asked for, and there is no rule: Transpose rule (for reverse-mode ` +
      `differentiation) for '${primitive.name}' not implemented. Use forward mode (jvp, jacfwd) or give it a custom rule (customVjp).`,
  );
}
