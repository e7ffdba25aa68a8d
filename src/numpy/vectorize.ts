/** Functions of scalars or vectors applied throughout arrays. Each axis that they do not know of is a vectorization, as by `vmap`. */
import { NDArray } from "../core/array.ts";
import { matchAxis } from "../core/axes.ts";
import { batchFlat } from "../core/batch.ts";
import type { DType } from "../core/dtype.ts";
import { stageFlat } from "../core/stage.ts";
import { RematTypeError, RematValueError } from "../errors.ts";
import { switchBranches } from "../lax/conditionals.ts";
import { tupleText } from "../primitives/axes.ts";
import { zerosLike } from "../primitives/broadcasting.ts";
import { concatenated } from "../primitives/join.ts";
import { bindJit } from "../primitives/jit.ts";
import { array, asarray, isArrayLike, type ArrayLike } from "./asarray.ts";
import { arange } from "./creation.ts";
import { argmax, cumsum } from "./cumulative.ts";
import { getitem, slice } from "./indexing.ts";
import { arrayOf } from "./options.ts";
import { astype } from "./piecewise.ts";
import { broadcastShapes } from "./promote.ts";
import { expandDims, squeeze } from "./shape.ts";

type Result = NDArray | readonly NDArray[];
type Callee = (...xs: NDArray[]) => ArrayLike | readonly ArrayLike[];

const isList = (x: ArrayLike | readonly ArrayLike[]): x is readonly ArrayLike[] =>
  Array.isArray(x) && x.some((y) => y instanceof NDArray);

/** The function mapped over the first axes of some operands; the axis comes first in its results. */
const mappedOver =
  (fn: Callee, which: readonly boolean[]): Callee =>
  (...xs) => {
    const size = xs[which.indexOf(true)].shape[0];
    let several = false;
    const call = (ys: readonly NDArray[]): readonly NDArray[] => {
      const out = fn(...ys);
      several = isList(out);
      return isList(out) ? out.map((y) => asarray(y)) : [asarray(out)];
    };
    const dims = which.map((mapped) => (mapped ? 0 : null));
    const { outs, dims: places } = batchFlat(call, size, xs, dims);
    const moved = outs.map((y, i) => matchAxis(size, places[i], 0, y));
    return several ? moved : moved[0];
  };

const settled = (out: ArrayLike | readonly ArrayLike[]): Result =>
  isList(out) ? out.map((y) => asarray(y)) : asarray(out);

/**
 * The array whose elements are a function of their indices.
 *
 *     np.fromfunction((i, j) => np.add(i, j), [2, 2]) // [[0, 1], [1, 2]]
 */
export function fromfunction(
  fn: (...indices: NDArray[]) => ArrayLike,
  shape: readonly number[],
  { dtype = "float64" }: { readonly dtype?: DType } = {},
): NDArray {
  let mapped: Callee = fn;
  shape.forEach((_, i) => {
    mapped = mappedOver(
      mapped,
      shape.map((_, j) => j === shape.length - 1 - i),
    );
  });
  return settled(mapped(...shape.map((n) => arange(n, { dtype })))) as NDArray;
}

export interface VectorizeOptions {
  /** Positions of arguments that are handed on as they are. */
  readonly excluded?: readonly number[];
  /** The axes that the function knows of, such as "(n,m),(m)->(n)"; none by default. */
  readonly signature?: string | null;
}

interface Signature {
  readonly inputs: readonly (readonly string[])[];
  readonly outputs: readonly (readonly string[])[] | null;
}

function parseSignature(text: string): Signature {
  const group = /\(([^()]*)\)/g;
  if (
    !/^(?:\((?:\w+(?:,\w+)*)?\)(?:,(?!-|$)|(?=-|$))){1,}->(?:\((?:\w+(?:,\w+)*)?\)(?:,(?!$)|$))+$/.test(
      text.replaceAll(" ", ""),
    )
  ) {
    throw new RematValueError(`not a valid gufunc signature: ${text}`);
  }
  const [inputs, outputs] = text
    .replaceAll(" ", "")
    .split("->")
    .map((side) => [...side.matchAll(group)].map(([, names]) => (names === "" ? [] : names.split(","))));
  return { inputs, outputs };
}

/** Notes the sizes of the named axes, which must agree. */
function noteSizes(
  sizes: Map<string, number>,
  shape: readonly number[],
  names: readonly string[],
  where: string,
): void {
  const core = shape.slice(shape.length - names.length);
  names.forEach((name, i) => {
    const known = sizes.get(name);
    if (known !== undefined && known !== core[i]) {
      throw new RematValueError(`inconsistent size for core dimension '${name}': ${core[i]} vs ${known} ${where}`);
    }
    sizes.set(name, core[i]);
  });
}

/**
 * The function with broadcasting: it is written for scalars (or what its signature says) and is then applied throughout arrays.
 *
 *     const dots = np.vectorize((x, y) => np.dot(x, y), { signature: "(n),(n)->()" });
 *     dots([[1, 2], [3, 4]], [1, 1]); // [3, 7]
 */
export function vectorize<R extends ArrayLike | readonly ArrayLike[]>(
  fn: (...args: NDArray[]) => R,
  { excluded = [], signature = null }: VectorizeOptions = {},
): (...args: readonly unknown[]) => R extends NDArray ? NDArray : Result {
  if (excluded.some((i) => !Number.isInteger(i))) {
    throw new RematTypeError(`np.vectorize can only exclude integer arguments, but excluded=[${excluded.join(", ")}].`);
  }
  if (excluded.some((i) => i < 0)) {
    throw new RematValueError(`excluded=[${excluded.join(", ")}] contains negative numbers`);
  }
  const where = `on vectorized function with excluded=[${excluded.join(", ")}] and signature=${signature === null ? "None" : `'${signature}'`}`;
  const parsed = signature === null ? null : parseSignature(signature);
  const call = (...args: readonly unknown[]): Result => {
    const dynamic = args.map((_, i) => i).filter((i) => !excluded.includes(i) && args[i] !== null);
    const counted = args.filter((_, i) => !excluded.includes(i)).length;
    if (parsed !== null && parsed.inputs.length !== counted) {
      throw new RematTypeError(
        `wrong number of positional arguments: expected ${parsed.inputs.length}, got ${counted} ${where}`,
      );
    }
    const positions = args.map((_, i) => i).filter((i) => !excluded.includes(i));
    const cores = dynamic.map((i) => parsed?.inputs[positions.indexOf(i)] ?? []);
    const operands = dynamic.map((i) => arrayOf(args[i] as ArrayLike, "vectorize", i));
    return broadcastCall(
      (xs) => {
        const all: unknown[] = [...args];
        dynamic.forEach((i, k) => (all[i] = xs[k]));
        return (fn as (...all: readonly unknown[]) => ArrayLike | readonly ArrayLike[])(...all);
      },
      operands,
      cores,
      parsed?.outputs ?? null,
      where,
    );
  };
  return call as (...args: readonly unknown[]) => R extends NDArray ? NDArray : Result;
}

function broadcastCall(
  fn: (xs: readonly NDArray[]) => ArrayLike | readonly ArrayLike[],
  operands: readonly NDArray[],
  cores: readonly (readonly string[])[],
  outputs: Signature["outputs"],
  where: string,
): Result {
  const sizes = new Map<string, number>();
  const outer = operands.map((x, i) => {
    if (x.ndim < cores[i].length) {
      throw new RematValueError(
        `input with shape ${tupleText(x.shape)} does not have enough dimensions for all core dimensions (${cores[i].join(", ")}) ${where}`,
      );
    }
    noteSizes(sizes, x.shape, cores[i], where);
    return x.shape.slice(0, x.ndim - cores[i].length);
  });
  const shape = broadcastShapes(...outer);
  // Axes of size one are removed rather than mapped, so that rules see which operands do not vary.
  const args = operands.map((x, i) =>
    squeeze(
      x,
      outer[i].flatMap((n, axis) => (n === 1 ? [axis] : [])),
    ),
  );
  let mapped: Callee = (...xs) => checked(fn(xs), sizes, outputs, where);
  const kept: number[] = [];
  for (let back = 1; back <= shape.length; back++) {
    const which = outer.map((lead) => (lead.at(-back) ?? 1) !== 1);
    if (which.includes(true)) mapped = mappedOver(mapped, which);
    else kept.push(shape.length - back);
  }
  const out = settled(mapped(...args));
  if (kept.length === 0) return out;
  return out instanceof NDArray ? expandDims(out, kept) : out.map((x) => expandDims(x, kept));
}

function checked(
  out: ArrayLike | readonly ArrayLike[],
  known: ReadonlyMap<string, number>,
  outputs: Signature["outputs"],
  where: string,
): ArrayLike | readonly ArrayLike[] {
  if (outputs === null) return out;
  const list = isList(out) ? out : [out as ArrayLike];
  if (list.length !== outputs.length) {
    throw new RematTypeError(
      `wrong number of output arguments: expected ${outputs.length}, got ${list.length} ${where}`,
    );
  }
  const sizes = new Map(known);
  list.forEach((x, i) => {
    const { shape } = asarray(x);
    if (shape.length !== outputs[i].length) {
      throw new RematValueError(
        `output shape ${tupleText(shape)} does not match core dimensions (${outputs[i].join(", ")}) ${where}`,
      );
    }
    noteSizes(sizes, shape, outputs[i], where);
  });
  return out;
}

/** A function of the elements where a condition holds, or a value. */
export type Piece = ((x: NDArray, ...args: NDArray[]) => ArrayLike) | ArrayLike;

/**
 * Different functions of the elements where different conditions hold: those of the last condition that holds. One function more than conditions is for
 * where none does; without it, zero is.
 *
 *     np.piecewise([-2, 3], [[true, false]], [(x) => np.negative(x), (x) => x]) // [2, 3]
 */
export function piecewise(
  x: ArrayLike,
  condlist: readonly ArrayLike[] | NDArray,
  funclist: readonly Piece[],
  ...args: readonly ArrayLike[]
): NDArray {
  const given = arrayOf(x, "piecewise");
  const conditions = asarray(condlist as ArrayLike, { dtype: "bool" });
  const [nc, nf] = [conditions.shape[0], funclist.length];
  if (nf !== nc && nf !== nc + 1) {
    throw new RematValueError(`with ${nc} condition(s), either ${nc} or ${nc + 1} functions are expected; got ${nf}`);
  }
  const pieces: readonly Piece[] = nf === nc ? [0, ...funclist] : [...funclist.slice(-1), ...funclist.slice(0, -1)];
  const consts = pieces.filter((p): p is ArrayLike => isArrayLike(p));
  const operands = [
    given,
    conditions,
    ...consts.map((c, i) => arrayOf(c, "piecewise", i)),
    ...args.map((a, i) => arrayOf(a, "piecewise", i + 3)),
  ];
  const body = ([y, conds, ...more]: readonly NDArray[]): readonly NDArray[] => {
    const [values, rest] = [more.slice(0, consts.length), more.slice(consts.length)];
    const none = zerosLike(getitem(conds, slice(1)));
    const which = argmax(cumsum(concatenated([none, conds], 0), 0), 0);
    let next = 0;
    const branches = pieces.map((piece) => {
      if (typeof piece === "function") return (z: NDArray) => astype(asarray(piece(z, ...rest)), given.dtype);
      const value = values[next++];
      return () => array(value, { dtype: given.dtype });
    });
    return [
      broadcastCall(([i, z]) => switchBranches(i, branches, z), [which, y], [[], []], null, "in piecewise") as NDArray,
    ];
  };
  const staged = stageFlat(
    body,
    operands.map((y) => y.aval),
    { tracedFor: "jit", name: "_piecewise" },
  );
  return bindJit("_piecewise", staged, operands, false)[0];
}

/** A function of an array and an axis, applied for one axis after the other; axes that it removes are put back with size one. */
export function applyOverAxes(
  fn: (a: NDArray, axis: number) => NDArray,
  a: ArrayLike,
  axes: readonly number[],
): NDArray {
  let x = arrayOf(a, "apply_over_axes");
  for (const axis of axes) {
    const out = fn(x, axis);
    if (out.ndim === x.ndim) x = out;
    else if (out.ndim === x.ndim - 1) x = expandDims(out, axis);
    else {
      throw new RematValueError(
        `function is not returning an array of the correct shape: got ${tupleText(out.shape)} for ${tupleText(x.shape)}.`,
      );
    }
  }
  return x;
}
