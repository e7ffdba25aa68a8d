/**
 * Equations on complex numbers as equations on their real and imaginary parts. What moves or adds numbers acts on each part alone; products, quotients
 * and functions follow their formulas. Those of complex64 are computed in float64 and rounded once, as in the js engine; sums of products are
 * sums in the parts' own dtype. What has no rule is left to the reference kernel of its primitive.
 */
import type { ConcreteArray } from "../core/array.ts";
import { shapesEqual, ShapedArray, type Shape } from "../core/aval.ts";
import { isComplex, type DType } from "../core/dtype.ts";
import { Literal, Var, type Atom, type Eqn, type Params } from "../core/jaxpr.ts";
import type { Primitive } from "../core/primitive.ts";
import { literal } from "../core/scalar.ts";
import { absP, addP, divP, mulP, subP } from "../primitives/arithmetic.ts";
import { andP, eqP, geP, neP, orP, selectNP } from "../primitives/comparison.ts";
import { convertElementTypeP } from "../primitives/convert.ts";
import { sqrtP } from "../primitives/elementwise.ts";
import { negP } from "../primitives/neg.ts";
import { broadcastInDim } from "../primitives/shape.ts";

export type Parts = readonly [re: Atom, im: Atom];

export const partDType = (dtype: DType): DType => (dtype === "complex128" ? "float64" : "float32");

/** Equations on real numbers, as they are written down. */
export class RealEqns {
  readonly eqns: Eqn[] = [];
  readonly eqn: Eqn;
  /** The shape of what is computed elementwise. */
  readonly shape: Shape;

  constructor(eqn: Eqn) {
    this.eqn = eqn;
    this.shape = eqn.outvars[0].aval.shape;
  }

  add(primitive: Primitive, invars: readonly Atom[], outvars: readonly Var[], params: Params): void {
    this.eqns.push({ primitive, invars, outvars, params, source: this.eqn.source });
  }

  op(primitive: Primitive, args: readonly Atom[], dtype = args[0].aval.dtype, params: Params = {}): Var {
    const out = new Var(new ShapedArray(this.shape, dtype));
    this.add(primitive, args, [out], params);
    return out;
  }

  /** The equation of another dtype: on other operands, with results of that dtype. */
  again(invars: readonly Atom[], dtype: DType): Var[] {
    const outvars = this.eqn.outvars.map((v) => new Var(v.aval.update({ dtype })));
    this.add(this.eqn.primitive, invars, outvars, this.eqn.params);
    return outvars;
  }

  as(x: Atom, dtype: DType): Atom {
    if (x.aval.dtype === dtype) return x;
    return this.op(convertElementTypeP, [x], dtype, { new_dtype: dtype, weak_type: false, sharding: null });
  }

  constant(value: number, dtype: DType): Literal {
    const array: ConcreteArray = literal(value, dtype);
    return new Literal(array, array.aval);
  }

  /** Operands may have fewer dimensions than the result. */
  stretched(x: Atom): Atom {
    const { shape, dtype } = x.aval;
    if (shapesEqual(shape, this.shape)) return x;
    const lead = this.shape.length - shape.length;
    return this.op(broadcastInDim, [x], dtype, {
      shape: this.shape,
      broadcast_dimensions: shape.map((_, d) => d + lead),
      sharding: null,
    });
  }

  /** The number everywhere. */
  everywhere(value: number, dtype: DType): Var {
    return this.op(broadcastInDim, [this.constant(value, dtype)], dtype, {
      shape: this.shape,
      broadcast_dimensions: [],
      sharding: null,
    });
  }

  select(which: Atom, no: Atom, yes: Atom): Var {
    return this.op(selectNP, [which, no, yes], yes.aval.dtype);
  }
}

/** The parts of the result, or one real result. */
type Rule = (b: RealEqns, args: readonly (Parts | Atom)[]) => readonly (Parts | Atom)[] | null;

const isParts = (x: Parts | Atom): x is Parts => Array.isArray(x);

/** Acts on each part alone; real operands (indices, masks) stand in both. */
const byPart: Rule = (b, args) => {
  const first = args.find(isParts);
  if (first === undefined) return null;
  const { dtype } = first[0].aval;
  const pick = (part: 0 | 1): Var[] =>
    b.again(
      args.map((x) => (isParts(x) ? x[part] : x)),
      dtype,
    );
  const [re, im] = [pick(0), pick(1)];
  return re.map((x, i): Parts => [x, im[i]]);
};

const handOn: Rule = (_b, args) => args;

type Formula = (b: RealEqns, ...args: readonly Parts[]) => Parts;

/** In float64, rounded once. */
const inDouble =
  (formula: Formula): Rule =>
  (b, args) => {
    const own = partDType(b.eqn.outvars[0].aval.dtype);
    const wide = args.map((x): Parts => {
      const [re, im] = x as Parts;
      return [b.as(re, "float64"), b.as(im, "float64")];
    });
    const [re, im] = formula(b, ...wide);
    return [[b.as(re, own), b.as(im, own)]];
  };

const multiply: Formula = (b, [p, q], [r, s]) => [
  b.op(subP, [b.op(mulP, [p, r]), b.op(mulP, [q, s])]),
  b.op(addP, [b.op(mulP, [p, s]), b.op(mulP, [q, r])]),
];

/** Smith's quotient, which does not overflow where the result does not. */
const divide: Formula = (b, [p, q], [r, s]) => {
  const first = b.op(geP, [b.op(absP, [r]), b.op(absP, [s])], "bool");
  const [large, small] = [b.select(first, s, r), b.select(first, r, s)];
  const ratio = b.op(divP, [small, large]);
  const denominator = b.op(addP, [large, b.op(mulP, [small, ratio])]);
  const [pr, qr] = [b.op(mulP, [p, ratio]), b.op(mulP, [q, ratio])];
  const re = b.select(first, b.op(addP, [pr, q]), b.op(addP, [p, qr]));
  const im = b.select(first, b.op(subP, [qr, p]), b.op(subP, [q, pr]));
  return [b.op(divP, [re, denominator]), b.op(divP, [im, denominator])];
};

const integerPow: Formula = (b, x) => {
  const y = b.eqn.params.y as number;
  const one: Parts = [b.constant(1, "float64"), b.constant(0, "float64")];
  let [acc, square]: [Parts | null, Parts] = [null, x];
  for (let n = Math.abs(y); n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) acc = acc === null ? square : multiply(b, acc, square);
    if (n > 1) square = multiply(b, square, square);
  }
  if (acc === null) return [b.everywhere(1, "float64"), b.everywhere(0, "float64")];
  return y < 0 ? divide(b, one, acc) : acc;
};

/** Of complex64: its squares neither overflow nor vanish in float64. */
const magnitude: Rule = (b, [x]) => {
  const [re, im] = x as Parts;
  if (re.aval.dtype !== "float32") return null;
  const [p, q] = [b.as(re, "float64"), b.as(im, "float64")];
  const root = b.op(sqrtP, [b.op(addP, [b.op(mulP, [p, p]), b.op(mulP, [q, q])])]);
  const infinity = b.constant(Infinity, "float64");
  const infinite = (v: Atom): Var => b.op(eqP, [b.op(absP, [v]), infinity], "bool");
  // Infinite, even if the other part is NaN.
  const whole = b.select(b.op(orP, [infinite(p), infinite(q)], "bool"), root, infinity);
  return [b.as(whole, "float32")];
};

const convert: Rule = (b, [x]) => {
  const { dtype } = b.eqn.outvars[0].aval;
  const re = isParts(x) ? x[0] : x;
  if (!isComplex(dtype)) return dtype === "bool" ? null : [b.as(re, dtype)];
  const own = partDType(dtype);
  return [[b.as(re, own), isParts(x) ? b.as(x[1], own) : b.everywhere(0, own)]];
};

/** A product of matrices or a sum of products is four real ones, or two if one side is real. */
const bilinear: Rule = (b, [x, y]) => {
  const own = partDType(b.eqn.outvars[0].aval.dtype);
  const [x0, x1] = isParts(x) ? x : [x, null];
  const [y0, y1] = isParts(y) ? y : [y, null];
  if ([x0, y0].some((v) => v.aval.dtype !== own)) return null;
  const term = (p: Atom, q: Atom): Var => b.again([p, q], own)[0];
  const re = term(x0, y0);
  if (x1 === null) return y1 === null ? null : [[re, term(x0, y1)]];
  if (y1 === null) return [[re, term(x1, y0)]];
  return [[b.op(subP, [re, term(x1, y1)]), b.op(addP, [term(x0, y1), term(x1, y0)])]];
};

const both =
  (primitive: Primitive, join: Primitive): Rule =>
  (b, args) => {
    const part = (i: 0 | 1): Var =>
      b.op(
        primitive,
        args.map((x) => (x as Parts)[i]),
        "bool",
      );
    return [b.op(join, [part(0), part(1)], "bool")];
  };

const rules: Readonly<Record<string, Rule>> = {
  add: byPart,
  add_any: byPart,
  sub: byPart,
  neg: byPart,
  mul: inDouble(multiply),
  div: inDouble(divide),
  square: inDouble((b, x) => multiply(b, x, x)),
  integer_pow: inDouble(integerPow),
  abs: magnitude,
  real: (_b, [x]) => [(x as Parts)[0]],
  imag: (_b, [x]) => [(x as Parts)[1]],
  conj: (b, [x]) => [isParts(x) ? [x[0], b.op(negP, [x[1]])] : [x, b.everywhere(0, x.aval.dtype)]],
  complex: (b, [re, im]) => [[b.stretched(re as Atom), b.stretched(im as Atom)]],
  eq: both(eqP, andP),
  ne: both(neP, orP),
  select_n: byPart,
  convert_element_type: convert,
  reduce_sum: byPart,
  dot_general: bilinear,
  "scatter-add": byPart,
  "scatter-sub": byPart,
  broadcast_in_dim: byPart,
  reshape: byPart,
  squeeze: byPart,
  expand_dims: byPart,
  transpose: byPart,
  rev: byPart,
  slice: byPart,
  pad: byPart,
  split: byPart,
  unstack: byPart,
  concatenate: byPart,
  stack: byPart,
  tile: byPart,
  copy: handOn,
  copy_p: handOn,
  name: handOn,
  stop_gradient: handOn,
  optimization_barrier: handOn,
};

export interface PartEqns {
  readonly eqns: readonly Eqn[];
  /** For each result its parts, or the real number that it is. */
  readonly outs: readonly (Parts | Atom)[];
}

/** The equations on parts that an equation stands for; null for those of real numbers, and where there is no rule. */
export function partEqns(eqn: Eqn, partsOf: (x: Atom) => Parts): PartEqns | null {
  const complex = (x: Atom): boolean => isComplex(x.aval.dtype);
  if (!eqn.invars.some(complex) && !eqn.outvars.some(complex)) return null;
  if (!Object.hasOwn(rules, eqn.primitive.name)) return null;
  const b = new RealEqns(eqn);
  const outs = rules[eqn.primitive.name](
    b,
    eqn.invars.map((x) => (complex(x) ? partsOf(x) : x)),
  );
  return outs === null ? null : { eqns: b.eqns, outs };
}
