/**
 * The scatters that are not linear: `scatter` replaces elements, `scatter-mul`, `scatter-min` and `scatter-max` combine them with updates.
 *
 * Where updates may hit one element several times it is not said which of them remains, so the derivative of a replacement first finds out
 * (by writing a number for each update and reading back which ones survived), and that of an extremum shares the tangent among the
 * updates that are equal to it.
 */
import type { NDArray } from "../core/array.ts";
import { ShapedArray } from "../core/aval.ts";
import { bind1 } from "../core/interpreter.ts";
import { UndefinedPrimal, type JvpResult, type Primitive, type Tangent } from "../core/primitive.ts";
import { instantiate, zeros } from "../core/zeros.ts";
import { NotDifferentiableError } from "../errors.ts";
import { jvpByOperand } from "./algebra.ts";
import { add, div, mul } from "./arithmetic.ts";
import { eq, select } from "./comparison.ts";
import { gathered, gatheredUpdates, scatterAdded } from "./gather.ts";
import { scatterToGather, windowSizes, type ScatterDimensionNumbers } from "./gatherDimensions.ts";
import { counted } from "./iota.ts";
import { constLike, onesLike, zerosLike } from "./broadcasting.ts";
import { bindScatter, optionsOf, scatterRecord, type ScatterOptions, type ScatterParams } from "./scatterRules.ts";
import { filled, reshaped } from "./shape.ts";

const call = (p: Primitive<ScatterParams>, args: readonly NDArray[], params: ScatterParams): NDArray =>
  bind1(p, args, params);

function refuse(name: string): never {
  throw new NotDifferentiableError(
    `the derivative of ${name} was asked for: ${name} gradients are only implemented if \`unique_indices=True\`.\n` +
      "Pass { uniqueIndices: true } if no element is hit twice.",
  );
}

export const scatterMul: Primitive<ScatterParams> = {
  ...scatterRecord("scatter-mul", () => scatterMul),
  jvp: jvpByOperand(
    () => scatterMul,
    [
      (t, _out, [, indices, updates], params) => call(scatterMul, [t, indices, updates], params),
      null,
      (t, _out, [operand, indices], params) => {
        if (!params.unique_indices) refuse("scatter_mul");
        return mul(operand, scatterAdded(zerosLike(operand), indices, t, params.dimension_numbers, optionsOf(params)));
      },
    ],
  ),
  transpose([ct], [operand, indices, updates], params) {
    const operandCt =
      operand instanceof UndefinedPrimal
        ? scatterMultiplied(ct!, indices as NDArray, updates as NDArray, params.dimension_numbers, optionsOf(params))
        : null;
    if (!(updates instanceof UndefinedPrimal)) return [operandCt, null, null];
    if (!params.unique_indices) refuse("scatter_mul");
    return [
      operandCt,
      null,
      gatheredUpdates(mul(ct!, operand as NDArray), indices as NDArray, updates.aval.shape, params),
    ];
  },
};

/** The derivative of an extremum: updates and old elements that are equal to the result share the tangent evenly. */
function extremalJvp(
  primitive: Primitive<ScatterParams>,
  [operand, indices, updates]: readonly NDArray[],
  [dOperand, , dUpdates]: readonly Tangent[],
  params: ScatterParams,
): JvpResult {
  const out = call(primitive, [operand, indices, updates], params);
  if (dOperand === null && dUpdates === null) return { primals: [out], tangents: [null] };
  const gOperand = instantiate(dOperand, operand.aval.toTangent());
  const gUpdates = instantiate(dUpdates, updates.aval.toTangent());
  const dims = params.dimension_numbers;
  const sizes = windowSizes(operand.ndim, updates.shape, dims);
  const read = (x: NDArray): NDArray => gathered(x, indices, scatterToGather(dims), sizes);

  const before = read(operand);
  const after = read(out);
  const successful = eq(updates, after);
  const retained = eq(before, after);
  // the order of the equations is part of the program's text: an operand is made right before its use
  const blank = zerosLike(operand);
  const ones = onesLike(updates);
  const winners = read(scatterAdded(blank, indices, select(successful, ones, zerosLike(updates)), dims));
  const blankToo = zerosLike(operand);
  const hits = read(scatterAdded(blankToo, indices, onesLike(updates), dims));
  const one = constLike(winners, 1);
  const shareWithOld = (): NDArray => div(one, add(winners, one));
  const share = shareWithOld();
  const normalizer = select(retained, share, div(one, winners));
  const updatesCoefficient = select(successful, normalizer, zerosLike(updates));
  const keptShare = shareWithOld();
  const operandNormalizer = select(retained, keptShare, zerosLike(winners));
  const operandCoefficient = div(add(constLike(winners, -1), operandNormalizer), hits);
  const fromOperand = mul(read(gOperand), operandCoefficient);
  const tangent = add(fromOperand, mul(gUpdates, updatesCoefficient));
  return { primals: [out], tangents: [scatterAdded(gOperand, indices, tangent, dims, optionsOf(params))] };
}

export const scatterMin: Primitive<ScatterParams> = {
  ...scatterRecord("scatter-min", () => scatterMin),
  jvp: (primals, tangents, params) => extremalJvp(scatterMin, primals, tangents, params),
};

export const scatterMax: Primitive<ScatterParams> = {
  ...scatterRecord("scatter-max", () => scatterMax),
  jvp: (primals, tangents, params) => extremalJvp(scatterMax, primals, tangents, params),
};

export const scatter: Primitive<ScatterParams> = {
  ...scatterRecord("scatter", () => scatter),
  jvp([operand, indices, updates], [dOperand, , dUpdates], params) {
    if (params.update_jaxpr !== null) {
      throw new NotDifferentiableError(
        "the derivative of x.at[i].apply(f) was asked for: scatter_apply JVP not implemented.\n" +
          "Write it as x.at[i].set(f(x.at[i].get())).",
      );
    }
    if (dOperand === null && dUpdates === null) {
      return { primals: [call(scatter, [operand, indices, updates], params)], tangents: [null] };
    }
    const gOperand = instantiate(dOperand, operand.aval.toTangent());
    const gUpdates = instantiate(dUpdates, updates.aval.toTangent());
    if (params.unique_indices) {
      const out = call(scatter, [operand, indices, updates], params);
      return { primals: [out], tangents: [call(scatter, [gOperand, indices, gUpdates], params)] };
    }
    return survivorsJvp(operand, indices, updates, gOperand, gUpdates, params);
  },
  transpose([ct], [operand, indices, updates], params) {
    if (!params.unique_indices) refuse("scatter");
    const shape = updates.aval.shape;
    const operandCt =
      operand instanceof UndefinedPrimal
        ? replaced(ct!, indices as NDArray, zeros(new ShapedArray(shape, ct!.dtype)), params.dimension_numbers, {
            ...optionsOf(params),
            uniqueIndices: true,
          })
        : null;
    const updatesCt =
      updates instanceof UndefinedPrimal ? gatheredUpdates(ct!, indices as NDArray, shape, params) : null;
    return [operandCt, null, updatesCt];
  },
};

/** The derivative of a replacement whose updates may overlap: numbered updates tell which of them remain. */
function survivorsJvp(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  gOperand: NDArray,
  gUpdates: NDArray,
  params: ScatterParams,
): JvpResult {
  const dims = params.dimension_numbers;
  const options = optionsOf(params);
  const idShape = updates.shape.map((n, i) => (dims.updateWindowDims.includes(i) ? 1 : n));
  const count = idShape.reduce((n, d) => n * d, 1);
  const numbers = reshaped(counted("uint32", [count], 0), idShape);
  const ids = add(numbers, filled(updates.shape, 1, "uint32"));
  const scattered = replaced(filled(operand.shape, 0, "uint32"), indices, ids, dims, options);
  const sizes = windowSizes(operand.ndim, updates.shape, dims);
  const survived = gathered(scattered, indices, scatterToGather(dims), sizes);

  const keepOld = (x: NDArray): NDArray => {
    const untouched = eq(scattered, zerosLike(scattered));
    return select(untouched, x, zerosLike(x));
  };
  const keepNew = (x: NDArray): NDArray => {
    const remains = eq(ids, survived);
    return select(remains, x, zerosLike(x));
  };
  const old = keepOld(operand);
  const fresh = keepNew(updates);
  const gOld = keepOld(gOperand);
  const gFresh = keepNew(gUpdates);
  const out = scatterAdded(old, indices, fresh, dims, options);
  return { primals: [out], tangents: [scatterAdded(gOld, indices, gFresh, dims, options)] };
}

type ScatterCall = (
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dims: ScatterDimensionNumbers,
  options?: ScatterOptions,
) => NDArray;

/** Replaces the windows that the indices name by updates. */
export const replaced: ScatterCall = (operand, indices, updates, dims, options) =>
  bindScatter(scatter, null, [operand, indices, updates], dims, options);

/** Multiplies the windows that the indices name by updates. */
export const scatterMultiplied: ScatterCall = (operand, indices, updates, dims, options) =>
  bindScatter(scatterMul, "mul", [operand, indices, updates], dims, options);

/** Takes the minimum of windows and updates. */
export const scatterMinimum: ScatterCall = (operand, indices, updates, dims, options) =>
  bindScatter(scatterMin, "min", [operand, indices, updates], dims, options);

/** Takes the maximum of windows and updates. */
export const scatterMaximum: ScatterCall = (operand, indices, updates, dims, options) =>
  bindScatter(scatterMax, "max", [operand, indices, updates], dims, options);

export const scatterPrimitives = [scatter, scatterMul, scatterMin, scatterMax] as const;
