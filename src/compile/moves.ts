/**
 * Equations that move elements without computing. Most become views, which cost nothing until somebody reads them; joining several arrays into
 * one writes each operand to its part of the result.
 */
import type { ShapedArray } from "../core/aval.ts";
import { floatBits } from "../core/dtype.ts";
import type { Eqn } from "../core/jaxpr.ts";
import type { BlockBuilder } from "./blockBuilder.ts";
import type { Held, Place } from "./held.ts";
import {
  broadcastView,
  identityView,
  padView,
  reshapeView,
  reverseView,
  rowMajor,
  sliceView,
  transposeView,
  type View,
} from "./view.ts";

type Change = (view: View) => View | null;

/** Where the outputs of the equation are, or null if it isn't one that moves. */
export function moved(block: BlockBuilder, eqn: Eqn, args: readonly Held[]): Place[] | null {
  const { params } = eqn;
  const out = eqn.outvars[0].aval;
  const one = (change: Change): Place[] => [changed(block, args[0], change)];
  switch (eqn.primitive.name) {
    case "broadcast_in_dim":
      return one((v) => broadcastView(v, out.shape, params.broadcast_dimensions as number[]));
    case "reshape":
      if (params.dimensions !== null && params.dimensions !== undefined) {
        const order = params.dimensions as number[];
        const [place] = transposed(block, args[0], order);
        const aval = args[0].aval.update({ shape: order.map((d) => args[0].aval.shape[d]) });
        return [reshaped(block, { ...args[0], place, aval }, out.shape)];
      }
      return one((v) => reshapeView(v, out.shape));
    case "squeeze":
    case "expand_dims":
      return one((v) => reshapeView(v, out.shape));
    case "transpose":
      return one((v) => transposeView(v, params.permutation as number[]));
    case "rev":
      return one((v) => reverseView(v, params.dimensions as number[]));
    case "slice": {
      const starts = params.start_indices as number[];
      const steps = (params.strides as number[] | null) ?? starts.map(() => 1);
      return one((v) => sliceView(v, starts, params.limit_indices as number[], steps));
    }
    case "pad":
      return padded(block, eqn, args);
    case "split":
      return parts(block, args[0], params.axis as number, params.sizes as number[]);
    case "unstack":
      return unstacked(block, args[0], params.axis as number, eqn.outvars.length);
    case "concatenate":
      return [joined(block, eqn, args, params.dimension as number, false)];
    case "stack":
      return [joined(block, eqn, args, params.axis as number, true)];
    case "tile":
      return [tiled(block, eqn, args[0], params.reps as number[])];
    case "iota": {
      const dimension = params.dimension as number;
      const view = { ...identityView(out.shape), strides: out.shape.map((_, d) => (d === dimension ? 1 : 0)) };
      return [{ kind: "index", view }];
    }
    case "empty":
    case "empty2":
      return [{ kind: "literal", fill: out.dtype === "int64" || out.dtype === "uint64" ? 0n : 0 }];
    case "optimization_barrier":
    case "name":
    case "copy":
    case "copy_p":
    case "stop_gradient":
      return args.map(same);
    case "convert_element_type":
      return args[0].aval.dtype === out.dtype ? args.map(same) : null;
    case "reduce_precision": {
      const bits = floatBits[out.dtype];
      return bits?.[0] === params.exponent_bits && bits?.[1] === params.mantissa_bits ? args.map(same) : null;
    }
    default:
      return null;
  }
}

/** The same elements in another shape. */
export const reshaped = (block: BlockBuilder, held: Held, shape: readonly number[]): Place =>
  changed(block, held, (v) => reshapeView(v, shape));

/** The array with its dimensions in another order. */
export const transposed = (block: BlockBuilder, held: Held, order: readonly number[]): Place[] => [
  changed(block, held, (v) => transposeView(v, order)),
];

/** The same elements under another name. */
export function same(held: Held): Place {
  const { place } = held;
  if (place.kind !== "buffer" && place.kind !== "node") return place;
  return { kind: "view", root: held, view: identityView(held.aval.shape) };
}

function changed(block: BlockBuilder, held: Held, change: Change): Place {
  const place = viewed(held, change);
  if (place !== null) return place;
  block.materialize(held);
  const again = viewed(held, change);
  if (again !== null) return again;
  throw new RangeError(`an array of type ${String(held.aval)} in memory has no such view`);
}

function viewed(held: Held, change: Change): Place | null {
  const { place } = held;
  if (place.kind === "literal") return place;
  if (place.kind === "index") {
    const view = change(place.view);
    return view === null || view.guards.length > 0 ? null : { kind: "index", view };
  }
  const root = place.kind === "view" ? place.root : held;
  const view = change(place.kind === "view" ? place.view : identityView(held.aval.shape));
  return view === null ? null : tidied(root, view);
}

/** Guards that never or always hold are not worth testing. */
function tidied(root: Held, view: View): Place {
  const never = view.guards.some((g) => g.hi <= 0 || g.lo >= view.shape[g.dim] || g.hi <= g.lo);
  if (never && view.fill !== null) return { kind: "literal", fill: view.fill };
  const guards = view.guards.filter((g) => g.lo > 0 || g.hi < view.shape[g.dim]);
  return { kind: "view", root, view: guards.length === view.guards.length ? view : { ...view, guards } };
}

function padded(block: BlockBuilder, eqn: Eqn, [x, value]: readonly Held[]): Place[] | null {
  const config = eqn.params.padding_config as readonly (readonly [number, number, number])[];
  if (value.place.kind !== "literal") return spread(block, eqn, x, config, value);
  const { fill } = value.place;
  if (x.place.kind === "literal" && Object.is(x.place.fill, fill)) return [x.place];
  if (x.place.kind === "literal" || x.place.kind === "index") block.materialize(x);
  const place = viewed(x, (v) => padView(v, config, fill));
  if (place !== null) return [place];
  const interior = config.some(([, , k]) => k !== 0);
  if (!interior) return [changed(block, x, (v) => padView(v, config, fill))];
  return spread(block, eqn, x, config, value);
}

/** The elements written among those of the padding; null where some of them are cut off. */
function spread(
  block: BlockBuilder,
  eqn: Eqn,
  x: Held,
  config: readonly (readonly [number, number, number])[],
  fill: Held,
): Place[] | null {
  if (config.some(([low, high]) => low < 0 || high < 0)) return null;
  const [out] = eqn.outvars;
  const outStrides = rowMajor(out.aval.shape);
  const strides = outStrides.map((s, d) => s * (config[d][2] + 1));
  const offset = config.reduce((sum, [low], d) => sum + low * outStrides[d], 0);
  return [block.scattered(eqn, out.aval, [{ held: x, strides, offset }], fill)];
}

function parts(block: BlockBuilder, x: Held, axis: number, sizes: readonly number[]): Place[] {
  let at = 0;
  return sizes.map((n) => {
    const starts = x.aval.shape.map((_, d) => (d === axis ? at : 0));
    const limits = x.aval.shape.map((len, d) => (d === axis ? at + n : len));
    at += n;
    return changed(block, x, (v) =>
      sliceView(
        v,
        starts,
        limits,
        starts.map(() => 1),
      ),
    );
  });
}

function unstacked(block: BlockBuilder, x: Held, axis: number, count: number): Place[] {
  const kept = x.aval.shape.filter((_, d) => d !== axis);
  return Array.from({ length: count }, (_, i) => {
    const starts = x.aval.shape.map((_n, d) => (d === axis ? i : 0));
    const limits = x.aval.shape.map((len, d) => (d === axis ? i + 1 : len));
    return changed(block, x, (v) => {
      const row = sliceView(
        v,
        starts,
        limits,
        starts.map(() => 1),
      );
      return row === null ? null : reshapeView(row, kept);
    });
  });
}

function joined(block: BlockBuilder, eqn: Eqn, args: readonly Held[], axis: number, isNew: boolean): Place {
  const out: ShapedArray = eqn.outvars[0].aval;
  if (args.length === 1 && !isNew) return same(args[0]);
  const strides = rowMajor(out.shape);
  let at = 0;
  const pieces = args.map((held) => {
    const offset = at * strides[axis];
    at += isNew ? 1 : held.aval.shape[axis];
    return { held, strides: isNew ? strides.filter((_, d) => d !== axis) : strides, offset };
  });
  return block.scattered(eqn, out, pieces, null);
}

function tiled(block: BlockBuilder, eqn: Eqn, x: Held, reps: readonly number[]): Place {
  const out = eqn.outvars[0].aval;
  const lead = reps.length - x.aval.ndim;
  const own = Array.from({ length: reps.length }, (_, d) => (d < lead ? 1 : x.aval.shape[d - lead]));
  const wide = reps.flatMap((r, d) => [r, own[d]]);
  const place = changed(block, x, (v) => {
    const view = reshapeView(v, own);
    return view === null
      ? null
      : broadcastView(
          view,
          wide,
          reps.map((_, d) => 2 * d + 1),
        );
  });
  if (place.kind === "literal") return place;
  const held: Held = { place, aval: out.update({ shape: wide }), label: "tile", source: eqn.source };
  block.materialize(held);
  return held.place;
}
