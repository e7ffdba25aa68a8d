/**
 * Weights that begin as orthogonal matrices, which keep the length of signals (Saxe, McClelland and Ganguli 2014), and convolutions that do so
 * (Xiao et al. 2018).
 */
import type { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";
import { array, type ArrayLike } from "../numpy/asarray.ts";
import { at } from "../numpy/at.ts";
import { zeros } from "../numpy/creation.ts";
import { named } from "../numpy/options.ts";
import { moveaxis, reshape } from "../numpy/shape.ts";
import { multiply } from "../numpy/ufuncs.ts";
import { tupleText } from "../primitives/axes.ts";
import { orthogonal as draw } from "../random/matrices.ts";
import type { Initializer, InitializerOptions } from "./initializers.ts";

export interface OrthogonalOptions extends InitializerOptions {
  readonly scale?: ArrayLike;
  /** The axis that counts as the columns. */
  readonly columnAxis?: number;
}

type Maker = (
  scale?: ArrayLike | OrthogonalOptions,
  columnAxis?: number | OrthogonalOptions,
  dtype?: DType | null | OrthogonalOptions,
) => Initializer;

const read = (given: Parameters<Maker>): OrthogonalOptions => {
  const [first] = given;
  const plain = typeof first === "object" && first !== null && !("aval" in first) && !Array.isArray(first);
  return plain ? (first as OrthogonalOptions) : named<OrthogonalOptions>(["scale", "columnAxis", "dtype"], given);
};

/** Orthonormal rows or columns, whichever are fewer, times a scale. */
export const orthogonal: Maker = (...given) => {
  const { scale = 1, columnAxis = -1, dtype: usual } = read(given);
  return (key, shape, dtype): NDArray => {
    const wanted = dtype ?? usual ?? canonicalDType("float64");
    if (shape.length < 2) {
      throw new RematValueError(
        `orthogonal initializer requires at least a 2D shape, got ${tupleText(shape)}. Give biases another initializer.`,
      );
    }
    if (shape.includes(0)) return zeros(shape, { dtype: wanted });
    const axis = columnAxis < 0 ? columnAxis + shape.length : columnAxis;
    const columns = shape[axis];
    const rest = shape.filter((_, i) => i !== axis);
    const q = draw(
      key,
      rest.reduce((a, b) => a * b, 1),
      { shape: [], dtype: wanted, m: columns },
    );
    const placed = moveaxis(reshape(q, [...rest, columns]), -1, axis);
    return multiply(array(scale, wanted), placed);
  };
};

/** An orthogonal matrix in the middle of a convolution's window, zeros around it. */
export const deltaOrthogonal: Maker = (...given) => {
  const { scale = 1, columnAxis = -1, dtype: usual } = read(given);
  return (key, shape, dtype): NDArray => {
    const wanted = dtype ?? usual ?? canonicalDType("float64");
    if (![3, 4, 5].includes(shape.length)) {
      throw new RematValueError(`Delta orthogonal initializer requires a 3D, 4D or 5D shape, got ${tupleText(shape)}.`);
    }
    if (shape.at(-1)! < shape.at(-2)!) {
      throw new RematValueError(
        `\`fan_in\` must be less or equal than \`fan_out\`. The last two sizes of ${tupleText(shape)} are these.`,
      );
    }
    const matrix = orthogonal({ scale, columnAxis, dtype: wanted })(key, shape.slice(-2));
    const window = shape.slice(0, -2).map((k) => Math.floor((k - 1) / 2));
    return at(zeros(shape, { dtype: wanted }), ...window, "...").set(matrix);
  };
};
