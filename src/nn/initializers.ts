/**
 * How weights begin: functions from a key and a shape to an array. Most choose the variance by the numbers of inputs and outputs of the
 * layer (its fans), so that signals neither grow nor fade from layer to layer (Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998).
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import { isComplex, isFloat, type DType } from "../core/dtype.ts";
import { canonicalDType, complexDType, literal } from "../core/scalar.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { elements } from "../lax/slicing.ts";
import { array, float, int, type ArrayLike } from "../numpy/asarray.ts";
import { full, ones as onesOf, zeros as zerosOf } from "../numpy/creation.ts";
import { named } from "../numpy/options.ts";
import { astype } from "../numpy/piecewise.ts";
import { exp, log, multiply, negative, sqrt, subtract, trueDivide } from "../numpy/ufuncs.ts";
import { tupleText } from "../primitives/axes.ts";
import { split } from "../random/keys.ts";
import { normal as drawNormal, truncatedNormal as drawTruncatedNormal } from "../random/normal.ts";
import { uniform as drawUniform } from "../random/uniform.ts";

/** Makes an array of a shape from a random key; the dtype is float32 unless given here or to the maker. */
export type Initializer = (key: ArrayLike, shape: Shape, dtype?: DType | null) => NDArray;

export interface InitializerOptions {
  readonly dtype?: DType | null;
}

/** The axes of a weight that count as inputs, as outputs, and as neither. */
export interface FanOptions extends InitializerOptions {
  readonly inAxis?: number | readonly number[];
  readonly outAxis?: number | readonly number[];
  readonly batchAxis?: number | readonly number[];
}

const floatingDType = (dtype: DType | null | undefined): DType => dtype ?? canonicalDType("float64");
const scaled = (x: NDArray, by: ArrayLike, dtype: DType): NDArray => multiply(x, array(by, dtype));

/** All zeros. The key is not used. */
export const zeros: Initializer = (_key, shape, dtype) => zerosOf(shape, { dtype: floatingDType(dtype) });
/** All ones. The key is not used. */
export const ones: Initializer = (_key, shape, dtype) => onesOf(shape, { dtype: floatingDType(dtype) });

/** An initializer of one value. */
export function constant(value: ArrayLike, dtype?: DType | null | InitializerOptions): Initializer {
  const usual = named<InitializerOptions>(["dtype"], [dtype]).dtype;
  return (_key, shape, given) => full(shape, value, { dtype: floatingDType(given ?? usual) });
}

/** An initializer that draws evenly from [0, scale). */
export function uniform(scale: ArrayLike | undefined = 0.01, dtype?: DType | null | InitializerOptions): Initializer {
  const usual = named<InitializerOptions>(["dtype"], [dtype]).dtype;
  return (key, shape, given) => {
    const wanted = floatingDType(given ?? usual);
    return scaled(drawUniform(key, shape, wanted), scale, wanted);
  };
}

/** An initializer that draws from the normal distribution with mean 0. */
export function normal(stddev: ArrayLike | undefined = 0.01, dtype?: DType | null | InitializerOptions): Initializer {
  const usual = named<InitializerOptions>(["dtype"], [dtype]).dtype;
  return (key, shape, given) => {
    const wanted = floatingDType(given ?? usual);
    return scaled(drawNormal(key, shape, wanted), stddev, wanted);
  };
}

export interface TruncatedOptions extends InitializerOptions {
  readonly lower?: number;
  readonly upper?: number;
}

/** An initializer that draws from the normal distribution between two bounds, given in standard deviations. */
export function truncatedNormal(
  stddev: ArrayLike | undefined = 0.01,
  dtype?: DType | null | TruncatedOptions,
  options?: TruncatedOptions,
): Initializer {
  const { dtype: usual, lower = -2, upper = 2 } = named<TruncatedOptions>(["dtype"], [dtype, options]);
  return (key, shape, given) => {
    const wanted = floatingDType(given ?? usual);
    return scaled(drawTruncatedNormal(key, float(lower), float(upper), shape, wanted), stddev, wanted);
  };
}

const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

/** The numbers of inputs and outputs that meet in one weight. */
function fans(shape: Shape, { inAxis = -2, outAxis = -1, batchAxis = [] }: FanOptions): readonly [number, number] {
  if (inAxis === -2 && shape.length <= 1) {
    throw new RematValueError(
      `Can't compute input and output sizes of a ${shape.length}-dimensional weights tensor with default in_axis. Must be at least 2D or ` +
        `specify in_axis explicitly: the shape is ${tupleText(shape)}, give { inAxis, outAxis }.`,
    );
  }
  const sizeOf = (axes: number | readonly number[], name: string): number =>
    product(
      (typeof axes === "number" ? [axes] : axes).map((axis) => {
        const size = shape.at(axis);
        if (size !== undefined) return size;
        throw new RematValueError(`${name} ${axis} is not an axis of a weight of shape ${tupleText(shape)}.`);
      }),
    );
  const [inputs, outputs] = [sizeOf(inAxis, "inAxis"), sizeOf(outAxis, "outAxis")];
  const field = product(shape) / inputs / outputs / sizeOf(batchAxis, "batchAxis");
  return [inputs * field, outputs * field];
}

export type FanMode = "fan_in" | "fan_out" | "fan_avg" | "fan_geo_avg";
export type FanDistribution = "truncated_normal" | "normal" | "uniform";

/** The standard deviation of the unit normal distribution between -2 and 2, and that of a complex one within radius 2. */
const TRUNCATED_STDDEV = 0.87962566103423978;
const TRUNCATED_COMPLEX_STDDEV = 0.95311164380491208;

/** An initializer of variance scale / fan. */
export function varianceScaling(
  scale: number,
  mode: FanMode,
  distribution: FanDistribution,
  options: FanOptions = {},
): Initializer {
  return (key, shape, given) => {
    const dtype = floatingDType(given ?? options.dtype);
    const [inputs, outputs] = fans(shape, options);
    const denominators: Readonly<Record<FanMode, number>> = {
      fan_in: inputs,
      fan_out: outputs,
      fan_avg: (inputs + outputs) / 2,
      fan_geo_avg: (inputs * outputs) ** 0.5,
    };
    if (!Object.hasOwn(denominators, mode)) {
      throw new RematValueError(
        `invalid mode for variance scaling initializer: ${String(mode)}. Give one of ${Object.keys(denominators).join(", ")}.`,
      );
    }
    if (!isFloat(dtype) && !isComplex(dtype)) {
      throw new RematTypeError(`Weights are drawn in a floating-point or complex dtype, got ${dtype}.`);
    }
    const variance = array(scale / denominators[mode], dtype);
    switch (distribution) {
      case "truncated_normal": {
        const unit = isFloat(dtype) ? TRUNCATED_STDDEV : TRUNCATED_COMPLEX_STDDEV;
        const stddev = trueDivide(sqrt(variance), array(unit, dtype));
        const draw = isFloat(dtype)
          ? drawTruncatedNormal(key, int(-2), int(2), shape, dtype)
          : complexTruncatedNormal(key, 2, shape, dtype);
        return multiply(draw, stddev);
      }
      case "normal":
        return multiply(drawNormal(key, shape, dtype), sqrt(variance));
      case "uniform":
        return isFloat(dtype)
          ? multiply(drawUniform(key, shape, { dtype, minval: int(-1) }), sqrt(multiply(int(3), variance)))
          : multiply(complexUniform(key, shape, dtype), sqrt(variance));
      default:
        throw new RematValueError(
          `invalid distribution for variance scaling initializer: ${String(distribution)}. Give truncated_normal, normal or uniform.`,
        );
    }
  };
}

const partOf = (dtype: DType): DType => (dtype === "complex128" ? "float64" : "float32");

/** Numbers of a random direction with the given lengths. */
function turned(key: NDArray, lengths: NDArray, shape: Shape, dtype: DType): NDArray {
  const angle = multiply(2 * Math.PI, astype(drawUniform(key, shape, partOf(dtype)), dtype));
  return multiply(lengths, exp(multiply(literal({ re: 0, im: 1 }, dtype, true), angle)));
}

/** Complex numbers evenly over a disc, their squared length 1 on average. */
function complexUniform(key: ArrayLike, shape: Shape, dtype: DType): NDArray {
  const [forLength, forAngle] = elements(split(key));
  const whole = complexDType(partOf(dtype));
  const lengths = astype(sqrt(multiply(int(2), drawUniform(forLength, shape, partOf(dtype)))), whole);
  return turned(forAngle, lengths, shape, whole);
}

/** Normally distributed complex numbers of length at most `upper`. */
function complexTruncatedNormal(key: ArrayLike, upper: number, shape: Shape, dtype: DType): NDArray {
  const [forLength, forAngle] = elements(split(key));
  const whole = complexDType(partOf(dtype));
  const mass = subtract(int(1), exp(array(-(upper ** 2), whole)));
  const t = multiply(mass, astype(drawUniform(forLength, shape, partOf(dtype)), whole));
  return turned(forAngle, sqrt(negative(log(subtract(int(1), t)))), shape, whole);
}

export { deltaOrthogonal, orthogonal, type OrthogonalOptions } from "./orthogonalInitializers.ts";

type FanInitializer = (options?: FanOptions) => Initializer;

const fan =
  (scale: number, mode: FanMode, distribution: FanDistribution): FanInitializer =>
  (options) =>
    varianceScaling(scale, mode, distribution, options);

/** Glorot's initializers: variance 1 / (the mean of the fans). */
export const glorotUniform: FanInitializer = fan(1, "fan_avg", "uniform");
export const glorotNormal: FanInitializer = fan(1, "fan_avg", "truncated_normal");
export { glorotUniform as xavierUniform, glorotNormal as xavierNormal };
/** LeCun's initializers: variance 1 / inputs. */
export const lecunUniform: FanInitializer = fan(1, "fan_in", "uniform");
export const lecunNormal: FanInitializer = fan(1, "fan_in", "truncated_normal");
/** He's initializers, for layers with relu: variance 2 / inputs. */
export const heUniform: FanInitializer = fan(2, "fan_in", "uniform");
export const heNormal: FanInitializer = fan(2, "fan_in", "truncated_normal");
export { heUniform as kaimingUniform, heNormal as kaimingNormal };
