/**
 * Einstein summation: each axis of each operand has a letter, letters that the result lacks are summed. Two operands are one `dot_general`; more
 * are contracted two at a time, in the order of `contractionPath.ts`.
 */
import type { NDArray } from "../core/array.ts";
import type { Shape } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematTypeError, UnsupportedError } from "../errors.ts";
import { range } from "../primitives/axes.ts";
import { zerosLike } from "../primitives/broadcasting.ts";
import { bitwiseAnd, eq, select } from "../primitives/comparison.ts";
import { convertElementType } from "../primitives/convert.ts";
import { contracted } from "../primitives/dot.ts";
import { counted } from "../primitives/iota.ts";
import { jitCall } from "../primitives/jit.ts";
import { canonicalPrecision } from "../primitives/precision.ts";
import { orOver } from "../primitives/reduce.ts";
import { broadcastedInDim, squeezed, summed, transposed } from "../primitives/shape.ts";
import { toArray, type ArrayLike } from "./asarray.ts";
import { contractionsOf, parseSubscripts, type Contraction, type Optimize } from "./contractionPath.ts";
import type { ProductOptions } from "./contractions.ts";
import { isOptions, keyOf } from "./options.ts";
import { latticeResultType } from "./promote.ts";

export interface EinsumOptions extends ProductOptions {
  readonly optimize?: Optimize;
}

/**
 * Sums of products named by letters.
 *
 *     np.einsum("ij,jk->ik", x, y)  // the matrix product
 *     np.einsum("ii->i", x)         // the diagonal
 *     np.einsum("bij,bjk->bik", x, y)
 */
export function einsum(subscripts: string, ...operands: readonly (ArrayLike | EinsumOptions)[]): NDArray {
  if (typeof subscripts !== "string") {
    throw new RematTypeError("np.einsum takes the subscripts as a string: np.einsum('ij,jk->ik', x, y).");
  }
  const last = operands[operands.length - 1];
  const options = (isOptions(last) ? last : {}) as EinsumOptions;
  const given = isOptions(last) ? operands.slice(0, -1) : operands;
  const arrays = given.map((x, i) => toArray(x as ArrayLike, "einsum", i));
  const shapes = arrays.map((x) => x.shape);
  const { inputs, output } = parseSubscripts(
    subscripts,
    shapes.map((s) => s.length),
  );
  const contractions = contractionsOf(inputs, output, shapes, options.optimize ?? "auto");
  const preferred = options.preferredElementType ?? null;
  return jitCall(
    "_einsum",
    keyOf(contractions, options.precision ?? null, preferred),
    (...xs) => [performed(xs, contractions, options)],
    arrays,
    true,
  )[0];
}

/** The order of contraction that `einsum` would take. */
export function einsumPath(
  subscripts: string,
  ...operands: readonly (ArrayLike | EinsumOptions)[]
): readonly (readonly number[])[] {
  const last = operands[operands.length - 1];
  const options = (isOptions(last) ? last : {}) as EinsumOptions;
  const given = isOptions(last) ? operands.slice(0, -1) : operands;
  const shapes: Shape[] = given.map((x, i) => toArray(x as ArrayLike, "einsum_path", i).shape);
  const { inputs, output } = parseSubscripts(
    subscripts,
    shapes.map((s) => s.length),
  );
  return contractionsOf(inputs, output, shapes, options.optimize ?? "auto").map((c) => c.positions.toReversed());
}

/** An array and the letters of its axes. */
interface Lettered {
  readonly x: NDArray;
  readonly names: string;
}

function performed(xs: readonly NDArray[], contractions: readonly Contraction[], options: EinsumOptions): NDArray {
  const asked = options.preferredElementType ?? null;
  const { dtype, weakType } =
    asked === null ? latticeResultType(xs) : { dtype: canonicalDType(asked), weakType: false };
  const operands = [...xs];
  for (const step of contractions) {
    const taken = step.positions.map((p) => operands.splice(p, 1)[0]);
    const lettered = taken.map((x, i): Lettered => ({ x, names: step.inputs[i] }));
    if (lettered.length > 2) {
      throw new UnsupportedError(
        `np.einsum does not support simultaneous contraction of 3 or more operands, got ${lettered.length}: pass another path.`,
      );
    }
    const out =
      lettered.length === 1
        ? reduceOne(lettered[0], step, dtype)
        : contractTwo(lettered[0], lettered[1], step, dtype, options);
    const order = [...step.result].map((c) => out.names.indexOf(c));
    operands.push(out.names === step.result ? out.x : transposed(out.x, order));
  }
  return convertElementType(operands[0], dtype, weakType);
}

function sumOver(x: NDArray, axes: readonly number[], dtype: DType): NDArray {
  const wide = latticeResultType([x, { dtype, weakType: false }]).dtype;
  const operand = wide === x.dtype ? x : convertElementType(x, dtype);
  return convertElementType(operand.dtype === "bool" ? orOver(operand, axes) : summed(operand, axes), operand.dtype);
}

const occurrences = (names: string, c: string): number => names.split(c).length - 1;
const without = (names: string, letters: Iterable<string>): string =>
  [...letters].reduce((text, c) => text.replaceAll(c, ""), names);

function sumUniques({ x, names }: Lettered, uniques: readonly string[], dtype: DType): Lettered {
  if (uniques.length === 0) return { x, names };
  const axes = uniques.map((c) => names.indexOf(c));
  return { x: sumOver(x, axes, dtype), names: without(names, uniques) };
}

/** Takes the diagonal of axes that share a letter: sums what is left of the array when all else is made zero. */
function sumRepeats(operand: Lettered, letters: string, keep: string, dtype: DType): Lettered {
  let { x, names } = operand;
  for (const c of new Set(letters)) {
    const count = occurrences(letters, c);
    if (count < 2) continue;
    const before = names;
    const axes = range(before.length).filter((i) => before[i] === c);
    x = select(onDiagonal(x.shape, axes), x, zerosLike(x));
    if (keep.includes(c)) {
      x = sumOver(x, axes.slice(0, -1), dtype);
      for (let k = 1; k < count; k++) names = names.replace(c, "");
    } else {
      x = sumOver(x, axes, dtype);
      names = names.replaceAll(c, "");
    }
  }
  return { x, names };
}

/** True where the indices of all the given axes are equal. */
function onDiagonal(shape: Shape, axes: readonly number[]): NDArray {
  const base = axes.map((a) => shape[a]);
  const indices = base.map((_, i) => counted("uint32", base, i));
  const equal = indices.slice(1).map((x, i) => eq(indices[i], x));
  return broadcastedInDim(
    convertElementType(
      equal.reduce((a, b) => bitwiseAnd(a, b)),
      "bool",
    ),
    shape,
    axes,
  );
}

function reduceOne({ x, names }: Lettered, step: Contraction, dtype: DType): Lettered {
  const uniques = step.removed.filter((c) => occurrences(names, c) === 1);
  return sumRepeats(sumUniques({ x, names }, uniques, dtype), names, step.result, dtype);
}

/** Removes axes of size one whose letter has another size in the other operand: they are broadcast. */
function dropSingletons({ x, names }: Lettered, other: Lettered): Lettered {
  const drop = range(names.length).filter((i) => {
    const j = other.names.indexOf(names[i]);
    return x.shape[i] === 1 && j >= 0 && other.x.shape[j] !== 1;
  });
  return { x: squeezed(x, drop), names: [...names].filter((_, i) => !drop.includes(i)).join("") };
}

function contractTwo(a: Lettered, b: Lettered, step: Contraction, dtype: DType, options: EinsumOptions): Lettered {
  let lhs = dropSingletons(a, b);
  let rhs = dropSingletons(b, lhs);
  const [lhsLetters, rhsLetters] = [lhs.names, rhs.names];
  const only = (mine: string, others: string): string[] =>
    step.removed.filter((c) => occurrences(mine, c) === 1 && occurrences(others, c) === 0);
  lhs = sumUniques(lhs, only(lhsLetters, rhsLetters), dtype);
  rhs = sumUniques(rhs, only(rhsLetters, lhsLetters), dtype);
  lhs = sumRepeats(lhs, lhsLetters, step.result + rhs.names, dtype);
  rhs = sumRepeats(rhs, rhsLetters, step.result + lhs.names, dtype);
  const summedLetters = step.removed.filter((c) => lhs.names.includes(c) || rhs.names.includes(c));
  const batch = [...step.result].filter((c) => lhs.names.includes(c) && rhs.names.includes(c));
  const places = (of: Lettered, letters: readonly string[]): number[] => letters.map((c) => of.names.indexOf(c));
  const gone = [...batch, ...summedLetters];
  const [keptLhs, keptRhs] = [without(lhs.names, gone), without(rhs.names, gone)];
  const precision = canonicalPrecision(options.precision);
  const dot = (p: Lettered, q: Lettered): NDArray =>
    contracted(
      p.x,
      q.x,
      [
        [places(p, summedLetters), places(q, summedLetters)],
        [places(p, batch), places(q, batch)],
      ],
      precision,
      dtype,
    );
  const turned = batch.join("") + keptRhs + keptLhs;
  // The order that gives the result without a transpose is taken.
  if (turned === step.result) return { x: dot(rhs, lhs), names: turned };
  return { x: dot(lhs, rhs), names: batch.join("") + keptLhs + keptRhs };
}
