/**
 * Reductions over windows, as in pooling: `reduce_window_sum`, `reduce_window_max`, `reduce_window_min`, and `reduce_window` by any function.
 *
 * The tangent of a maximum is gathered from the place that attains it (`select_and_gather_add`); turned around, cotangents are added
 * there (`select_and_scatter_add`). Where several elements of a window attain it, the first one counts.
 */
import type { NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray, type Shape } from "../core/aval.ts";
import { evalJaxpr } from "../core/evalJaxpr.ts";
import { bind, bind1, currentTrace } from "../core/interpreter.ts";
import type { Jaxpr } from "../core/jaxpr.ts";
import { jvpFlat } from "../core/jvp.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { stageFlat } from "../core/stage.ts";
import { instantiate } from "../core/zeros.ts";
import { DTypeError, NotDifferentiableError, RematTypeError, ShapeError } from "../errors.ts";
import { jvpByOperand, linearJvp } from "./algebra.ts";
import { inserted, tupleText } from "./axes.ts";
import { zeroOf } from "./broadcasting.ts";
import { dilated, inputPadding, windows, type Padding } from "./conv.ts";
import { padded, sliced, type PaddingOfAxis } from "./pad.ts";
import { extremes } from "./reduce.ts";
import { batchedInFront, requireNumber } from "./shape.ts";

export type WindowParams = {
  readonly window_dimensions: readonly number[];
  readonly window_strides: readonly number[];
  readonly padding: Padding;
  readonly base_dilation: readonly number[];
  readonly window_dilation: readonly number[];
};

/** The shape of a reduction over windows, with the checks that all of them share. */
export function windowShape(operand: ShapedArray, params: WindowParams): number[] {
  const { window_dimensions: window, window_strides: strides, base_dilation: base, window_dilation: wide } = params;
  if (operand.ndim !== window.length) {
    throw new ShapeError(
      "reduce_window got the wrong number of window_dimensions for operand: got operand shape " +
        `${tupleText(operand.shape)} with window_dimensions ${tupleText(window)}. Give one size for each axis (1 to leave it alone).`,
    );
  }
  for (const [name, list] of [
    ["window_strides", strides],
    ["base_dilation", base],
    ["window_dilation", wide],
  ] as const) {
    if (list.length !== window.length) {
      throw new ShapeError(
        `reduce_window got inconsistent ${name} and window_dimensions: got ${name} ${tupleText(list)} and window_dimensions ` +
          `${tupleText(window)}.`,
      );
    }
  }
  return operand.shape.map((d, i) =>
    windows(dilated(d, base[i]) + params.padding[i][0] + params.padding[i][1], dilated(window[i], wide[i]), strides[i]),
  );
}

/** The window with one axis more at `dim`, along which it has size one. */
function widened<P extends Partial<WindowParams>>(params: P, dim: number): P {
  const out: Record<string, unknown> = { ...params };
  for (const key of ["window_dimensions", "window_strides", "base_dilation", "window_dilation"] as const) {
    if (params[key] !== undefined) out[key] = inserted(params[key], dim, 1);
  }
  if (params.padding !== undefined) out.padding = inserted(params.padding, dim, [0, 0]);
  return out as P;
}

/** Batching of a primitive whose operands all get their batch axis in front. */
const batchInFront =
  <P extends Partial<WindowParams>>(primitive: () => Primitive<P>): NonNullable<Primitive<P>["batch"]> =>
  (size, args, dims, params) => {
    const front = args.map((x, i) => batchedInFront(x, dims[i], size));
    return { outs: [bind1(primitive(), front, widened(params, 0))], dims: [0] };
  };

const batchInPlace =
  (primitive: () => Primitive<WindowParams>): NonNullable<Primitive<WindowParams>["batch"]> =>
  (_size, [x], [dim], params) => ({
    outs: [bind1(primitive(), [x], widened(params, dim!))],
    dims: [dim],
  });

export const reduceWindowSum: Primitive<WindowParams> = {
  name: "reduce_window_sum",
  type([x], params) {
    requireNumber("reduce_window_sum", x);
    return [x.update({ shape: windowShape(x, params) })];
  },
  jvp: linearJvp(() => reduceWindowSum),
  transpose([ct], [x], params) {
    const shape = x.aval.shape;
    const { window_dimensions, window_strides: strides, base_dilation, window_dilation } = params;
    const pads = inputPadding(shape, window_dimensions, ct!.shape, {
      window_strides: strides,
      padding: params.padding,
      lhs_dilation: base_dilation,
      rhs_dilation: window_dilation,
    });
    const config = pads.map(([low, high], i): PaddingOfAxis => [low, high, strides[i] - 1]);
    const spread = padded(ct!, zeroOf(ct!), config);
    const all: WindowParams = {
      window_dimensions,
      window_strides: base_dilation,
      padding: shape.map(() => [0, 0]),
      base_dilation: shape.map(() => 1),
      window_dilation,
    };
    return [bind1(reduceWindowSum, [spread], all)];
  },
  batch: batchInPlace(() => reduceWindowSum),
};

/** `ge` follows a maximum, `le` a minimum. It prints as the primitive's name. */
export type SelectPrim = "ge" | "le";

function windowChooser(name: "reduce_window_max" | "reduce_window_min", select: SelectPrim): Primitive<WindowParams> {
  const self: Primitive<WindowParams> = {
    name,
    type: ([x], params) => [x.update({ shape: windowShape(x, params) })],
    jvp: jvpByOperand(
      () => self,
      [(t, _y, [x], params) => bind1(selectAndGatherAdd as Primitive, [t, x], { select_prim: select, ...params })],
    ),
    batch: batchInPlace(() => self),
  };
  return self;
}

export const reduceWindowMax: Primitive<WindowParams> = windowChooser("reduce_window_max", "ge");
export const reduceWindowMin: Primitive<WindowParams> = windowChooser("reduce_window_min", "le");

export type SelectAndGatherParams = WindowParams & { readonly select_prim: SelectPrim };

/** Linear in its first operand: what stands at the places that the second one selects. */
export const selectAndGatherAdd: Primitive<SelectAndGatherParams> = {
  name: "select_and_gather_add",
  type([t, x], params) {
    if (!shapesEqual(t.shape, x.shape)) {
      throw new ShapeError(
        `select_and_gather_add tangents and operand shapes must match, got ${tupleText(t.shape)} and ${tupleText(x.shape)}.`,
      );
    }
    return [t.update({ shape: windowShape(x, params), weakType: t.weakType && x.weakType })];
  },
  jvp: jvpByOperand(
    () => selectAndGatherAdd,
    [(t, _y, [, x], params) => bind1(selectAndGatherAdd as Primitive, [t, x], params), null],
  ),
  transpose([ct], [, operand], params) {
    const { base_dilation: base, window_dilation: wide, select_prim } = params;
    if (wide.some((d) => d !== 1)) {
      throw new NotDifferentiableError(
        `VJP not implemented for select_and_gather (MaxPool) with window dilation, got window_dilation=${tupleText(wide)}.`,
      );
    }
    let x = operand as NDArray;
    const spread = base.some((d) => d !== 1);
    if (spread) {
      const identity = literal(extremes(x.dtype)[select_prim === "ge" ? 0 : 1], x.dtype);
      x = padded(
        x,
        identity,
        base.map((d): PaddingOfAxis => [0, 0, d - 1]),
      );
    }
    const out = bind1(selectAndScatterAdd, [ct!, x], {
      select_prim,
      window_dimensions: params.window_dimensions,
      window_strides: params.window_strides,
      padding: params.padding,
    });
    if (!spread) return [out, null];
    return [
      sliced(
        out,
        out.shape.map(() => 0),
        out.shape,
        base,
      ),
      null,
    ];
  },
  batch: batchInFront<SelectAndGatherParams>(() => selectAndGatherAdd),
};

export type SelectAndScatterParams = Pick<WindowParams, "window_dimensions" | "window_strides" | "padding"> & {
  readonly select_prim: SelectPrim;
};

/** Adds each element of the source to the place of its window that the operand selects. */
export const selectAndScatterAdd: Primitive<SelectAndScatterParams> = {
  name: "select_and_scatter_add",
  type: ([source, operand]) => [source.update({ shape: operand.shape, weakType: source.weakType && operand.weakType })],
  jvp: jvpByOperand(
    () => selectAndScatterAdd,
    [(t, _y, [, x], params) => bind1(selectAndScatterAdd as Primitive, [t, x], params), null],
  ),
  transpose([ct], [, operand], params) {
    const ones = params.window_dimensions.map(() => 1);
    const out = bind1(selectAndGatherAdd, [ct!, operand as NDArray], {
      ...params,
      base_dilation: ones,
      window_dilation: ones,
    });
    return [out, null];
  },
  batch: batchInFront<SelectAndScatterParams>(() => selectAndScatterAdd),
};

export type ReduceWindowParams = WindowParams & {
  /** The combining function, on scalars: one of each operand on the left, one of each on the right. */
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
};

const halves = <T>(xs: readonly T[]): [T[], T[]] => [xs.slice(0, xs.length / 2), xs.slice(xs.length / 2)];

export const reduceWindow: Primitive<ReduceWindowParams> = {
  name: "reduce_window",
  type(avals, params) {
    const [operands, inits] = halves<ShapedArray>(avals);
    const list = (xs: readonly ShapedArray[]): string => `[${xs.map((a) => a.dtype).join(", ")}]`;
    if (operands.some((a, i) => a.dtype !== inits[i].dtype)) {
      throw new DTypeError(
        `reduce_window got inconsistent dtypes for operands and init_values: got operand dtypes ${list(operands)} and init_value ` +
          `dtypes ${list(inits)}.`,
      );
    }
    if (inits.some((a) => a.ndim > 0)) {
      const shapes: Shape[] = inits.map((a) => a.shape);
      throw new ShapeError(
        `reduce_window expected init_values to be scalars but init_values have shapes [${shapes.map(tupleText).join(", ")}].`,
      );
    }
    const shape = windowShape(operands[0], params);
    return operands.map((a) => a.update({ shape, weakType: false }));
  },
  jvp(primals, tangents, params) {
    const [operands, inits] = halves(primals);
    const [ts, initTangents] = halves(tangents);
    if (initTangents.some((t) => t !== null)) {
      throw new RematTypeError(
        "reduce_window jvp does not support non-zero init_value_tangent: combine the initial value with the result instead.",
      );
    }
    const n = operands.length;
    const zero = [...operands, ...inits].map((x) => x.aval.toTangent());
    const all = [...operands, ...ts.map((t, i) => instantiate(t, zero[i]))];
    const starts = [...inits, ...inits.map((_, i) => instantiate(null, zero[n + i]))];
    // The same reduction on pairs of a value and its tangent.
    const pairs = (args: readonly NDArray[]): readonly NDArray[] => {
      const [left, right] = halves(args);
      const values = [...left.slice(0, n), ...right.slice(0, n)];
      const moves = [...left.slice(n), ...right.slice(n)];
      const fn = (xs: readonly NDArray[]): NDArray[] => evalJaxpr(params.jaxpr, params.consts, xs);
      const out = jvpFlat(fn, currentTrace(), values, moves);
      return [...out.primals, ...out.tangents.map((t, i) => instantiate(t, zero[i].update({ shape: [] })))];
    };
    const scalars = starts.map((x) => x.aval);
    const debug = { tracedFor: "reduce_window comp", name: "wrapper" };
    const { jaxpr, consts } = stageFlat(pairs, [...scalars, ...scalars], debug);
    const outs = bind(reduceWindow, [...all, ...starts], { ...params, jaxpr, consts });
    return { primals: outs.slice(0, n), tangents: outs.slice(n) };
  },
  batch(size, args, dims, params) {
    const [operands, inits] = halves(args);
    const [operandDims, initDims] = halves(dims);
    if (initDims.some((d) => d !== null)) {
      throw new NotDifferentiableError(
        "reduce_window batching is not implemented for initial values: combine the initial value with the result instead.",
      );
    }
    const front = operands.map((x, i) => batchedInFront(x, operandDims[i], size));
    const outs = bind(reduceWindow, [...front, ...inits], widened(params, 0));
    return { outs, dims: outs.map(() => 0) };
  },
};

export const windowPrimitives = [
  reduceWindowSum,
  reduceWindowMax,
  reduceWindowMin,
  reduceWindow,
  selectAndGatherAdd,
  selectAndScatterAdd,
] as const;
