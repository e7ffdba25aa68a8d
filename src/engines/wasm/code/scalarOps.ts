/**
 * What each elementwise primitive is in vector instructions, by the form of its operands. A row gives instructions that leave the result on the
 * stack. What isn't listed for a form is no part of loop kernels and runs as the reference kernel.
 */
import type { DType } from "../../../core/dtype.ts";
import { dtypes } from "../../../core/dtype.ts";
import type { Params } from "../../../core/jaxpr.ts";
import type { Local } from "../encode/function.ts";
import type { PlainOp } from "../encode/opcodes.ts";
import { convert, roundHalf } from "./conversions.ts";
import { mathRows } from "./mathRows.ts";
import { nextafter, reducePrecision } from "../math/bits.ts";
import { formOf, isHalf, isSigned, type Form, type VectorCode } from "./vectorCode.ts";

/** An equation of a loop kernel: the dtypes of its operands and of its result. */
export interface ScalarOp {
  readonly name: string;
  readonly params: Params;
  readonly from: readonly DType[];
  readonly to: DType;
}

export type Emit = (c: VectorCode, args: readonly Local[], op: ScalarOp) => void;
export type Row = Readonly<Partial<Record<Form, Emit>>>;

/** The operands, then one instruction. */
const direct =
  (...names: PlainOp[]): Emit =>
  (c, args) => {
    for (const a of args) c.f.get(a);
    c.f.op(...names);
  };

/** A comparison gives a mask as wide as its operands; masks are as wide as the kernel's lanes. */
const compare =
  (signed: PlainOp, unsigned: PlainOp = signed): Emit =>
  (c, args, { from }) => {
    for (const a of args) c.f.get(a);
    c.f.op(isSigned(from[0]) || formOf(from[0]) !== "i32" ? signed : unsigned);
    const form = formOf(from[0]);
    if (c.wide && (form === "f32" || form === "i32")) c.f.op("i64x2.extend_low_i32x4_s");
  };

/** 64-bit unsigned comparisons are signed ones of numbers whose top bits are flipped. */
const compare64 =
  (name: PlainOp): Emit =>
  (c, args, { from }) => {
    const flip = from[0] === "uint64";
    for (const a of args) {
      c.f.get(a);
      if (flip) c.f.get(c.i64(-(2n ** 63n))).op("v128.xor");
    }
    c.f.op(name);
  };

/** Integers of fewer than 32 bits wrap to their width after what may leave it. */
function wrap(c: VectorCode, dtype: DType): void {
  const bits = 8 * dtypes[dtype].bytes;
  if (bits >= 32 || formOf(dtype) !== "i32") return;
  if (isSigned(dtype))
    c.f
      .i32(32 - bits)
      .op("i32x4.shl")
      .i32(32 - bits)
      .op("i32x4.shr_s");
  else c.f.get(c.i32(2 ** bits - 1)).op("v128.and");
}

const wrapping =
  (emit: Emit): Emit =>
  (c, args, op) => {
    emit(c, args, op);
    wrap(c, op.to);
  };

const arithmetic = (name: "add" | "sub" | "mul"): Row => ({
  f32: direct(`f32x4.${name}`),
  f64: direct(`f64x2.${name}`),
  i32: wrapping(direct(`i32x4.${name}`)),
  i64: direct(`i64x2.${name}`),
});

const extremum = (name: "min" | "max"): Row => ({
  f32: direct(`f32x4.${name}`),
  f64: direct(`f64x2.${name}`),
  i32: (c, args, { to }) => {
    direct(isSigned(to) ? `i32x4.${name}_s` : `i32x4.${name}_u`)(c, args, { name, params: {}, from: [to, to], to });
  },
  i64: (c, [x, y], op) => {
    c.f.get(name === "max" ? x : y).get(name === "max" ? y : x);
    compare64("i64x2.gt_s")(c, [x, y], op);
    c.f.op("v128.bitselect");
  },
  mask: direct(name === "max" ? "v128.or" : "v128.and"),
});

const bitwise = (name: "and" | "or" | "xor"): Row => {
  const emit = direct(`v128.${name}`);
  return { i32: emit, i64: emit, mask: emit };
};

/** -1, 0 or 1 with the sign of x; zeros and NaN as they are. */
const signOfFloat =
  (form: "f32" | "f64"): Emit =>
  (c, [x]) => {
    const { f } = c;
    const one = form === "f32" ? c.f32(1) : c.f64(1);
    const zero = form === "f32" ? c.f32(0) : c.f64(0);
    const minus = form === "f32" ? c.f32(-0) : c.f64(-0);
    const p = form === "f32" ? "f32x4" : "f64x2";
    f.get(x).get(minus).op("v128.and").get(one).op("v128.or");
    f.get(x);
    f.get(x).get(zero).op(`${p}.gt`).get(x).get(zero).op(`${p}.lt`, "v128.or", "v128.bitselect");
  };

/** Powers by squaring, rounded after each product. */
const integerPow: Emit = (c, [x], { params, to }) => {
  const y = params.y as number;
  const form = formOf(to);
  const mul: PlainOp =
    form === "f32" ? "f32x4.mul" : form === "f64" ? "f64x2.mul" : form === "i64" ? "i64x2.mul" : "i32x4.mul";
  const one = c.element(form === "i64" ? 1n : 1, form === "f32" ? "float32" : to);
  let acc: Local | null = null;
  let square = x;
  for (let n = Math.abs(y); n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) {
      if (acc === null) acc = square;
      else {
        c.f.get(acc).get(square).op(mul);
        acc = c.keep();
      }
    }
    if (n > 1) {
      c.f.get(square).get(square).op(mul);
      square = c.keep();
    }
  }
  if (y < 0)
    c.f
      .get(one)
      .get(acc as Local)
      .op(form === "f32" ? "f32x4.div" : "f64x2.div");
  else c.f.get(acc ?? one);
  wrap(c, to);
};

/** 1 / sqrt(x) in float64, rounded once. */
const rsqrt32: Emit = (c, [x]) => {
  const { f } = c;
  const half = (): void => {
    f.op("f64x2.promote_low_f32x4", "f64x2.sqrt");
    const root = c.keep();
    f.get(c.f64(1)).get(root).op("f64x2.div", "f32x4.demote_f64x2_zero");
  };
  f.get(x);
  half();
  if (c.wide) return;
  f.get(x).get(x).shuffle32(2, 3, 2, 3);
  half();
  f.shuffle32(0, 1, 4, 5);
};

const selectMasked: Emit = (c, [which, no, yes], { from, to }) => {
  const { f } = c;
  f.get(yes).get(no);
  f.get(which);
  const form = formOf(to);
  if (from[0] !== "bool") {
    // Two cases: every number above 0 takes the last.
    f.get(c.i32(0)).op("i32x4.gt_s");
    if (c.wide && form !== "f32" && form !== "i32") f.op("i64x2.extend_low_i32x4_s");
  } else if (c.wide && (form === "f32" || form === "i32")) {
    f.get(which).shuffle32(0, 2, 0, 2);
  }
  f.op("v128.bitselect");
};

const select: Row = { f32: selectMasked, f64: selectMasked, i32: selectMasked, i64: selectMasked, mask: selectMasked };

const clamp =
  (max: PlainOp, min: PlainOp): Emit =>
  (c, [low, x, high]) => {
    c.f.get(x).get(low).op(max).get(high).op(min);
  };

const finite =
  (form: "f32" | "f64"): Emit =>
  (c, [x]) => {
    const { f } = c;
    const p = form === "f32" ? "f32x4" : "f64x2";
    f.get(x)
      .op(`${p}.abs`)
      .get(form === "f32" ? c.f32(Infinity) : c.f64(Infinity))
      .op(`${p}.lt`);
    if (c.wide && form === "f32") f.op("i64x2.extend_low_i32x4_s");
  };

const round =
  (form: "f32" | "f64"): Emit =>
  (c, [x], { params }) => {
    const { f } = c;
    const p = form === "f32" ? "f32x4" : "f64x2";
    if (params.rounding_method === 1) {
      f.get(x).op(`${p}.nearest`);
      return;
    }
    // Halves go away from zero: where the dropped part is at least one half, the magnitude grows by one.
    const half = form === "f32" ? c.f32(0.5) : c.f64(0.5);
    const one = form === "f32" ? c.f32(1) : c.f64(1);
    const minus = form === "f32" ? c.f32(-0) : c.f64(-0);
    f.get(x).op(`${p}.abs`, `${p}.floor`);
    const floor = c.keep();
    f.get(floor)
      .get(one)
      .get(x)
      .op(`${p}.abs`)
      .get(floor)
      .op(`${p}.sub`)
      .get(half)
      .op(`${p}.ge`, "v128.and", `${p}.add`);
    f.get(x).get(minus).op("v128.and", "v128.or");
  };

const fewerBits: Emit = (c, [x], { params }) => {
  reducePrecision(params.exponent_bits as number, params.mantissa_bits as number)(c, x);
};

const neg: Row = {
  f32: direct("f32x4.neg"),
  f64: direct("f64x2.neg"),
  i32: wrapping(direct("i32x4.neg")),
  i64: direct("i64x2.neg"),
};

const simple: Readonly<Record<string, Row>> = {
  add: arithmetic("add"),
  add_any: arithmetic("add"),
  sub: arithmetic("sub"),
  mul: arithmetic("mul"),
  div: { f32: direct("f32x4.div"), f64: direct("f64x2.div") },
  max: extremum("max"),
  min: extremum("min"),
  neg,
  abs: {
    f32: direct("f32x4.abs"),
    f64: direct("f64x2.abs"),
    i32: (c, args, op) => {
      if (isSigned(op.to)) wrapping(direct("i32x4.abs"))(c, args, op);
      else c.f.get(args[0]);
    },
    i64: (c, args, op) => {
      if (isSigned(op.to)) direct("i64x2.abs")(c, args, op);
      else c.f.get(args[0]);
    },
  },
  sign: { f32: signOfFloat("f32"), f64: signOfFloat("f64") },
  square: {
    f32: (c, [x]) => c.f.get(x).get(x).op("f32x4.mul"),
    f64: (c, [x]) => c.f.get(x).get(x).op("f64x2.mul"),
    i32: wrapping((c, [x]) => c.f.get(x).get(x).op("i32x4.mul")),
    i64: (c, [x]) => c.f.get(x).get(x).op("i64x2.mul"),
  },
  integer_pow: { f32: integerPow, f64: integerPow, i32: integerPow, i64: integerPow },
  sqrt: { f32: direct("f32x4.sqrt"), f64: direct("f64x2.sqrt") },
  rsqrt: { f32: rsqrt32, f64: (c, [x]) => c.f.get(c.f64(1)).get(x).op("f64x2.sqrt", "f64x2.div") },
  floor: { f32: direct("f32x4.floor"), f64: direct("f64x2.floor") },
  ceil: { f32: direct("f32x4.ceil"), f64: direct("f64x2.ceil") },
  round: { f32: round("f32"), f64: round("f64") },
  is_finite: { f32: finite("f32"), f64: finite("f64") },
  eq: {
    f32: compare("f32x4.eq"),
    f64: compare("f64x2.eq"),
    i32: compare("i32x4.eq"),
    i64: compare("i64x2.eq"),
    mask: sameMask(true),
  },
  ne: {
    f32: compare("f32x4.ne"),
    f64: compare("f64x2.ne"),
    i32: compare("i32x4.ne"),
    i64: compare("i64x2.ne"),
    mask: sameMask(false),
  },
  lt: {
    f32: compare("f32x4.lt"),
    f64: compare("f64x2.lt"),
    i32: compare("i32x4.lt_s", "i32x4.lt_u"),
    i64: compare64("i64x2.lt_s"),
    mask: (c, [x, y]) => c.f.get(y).get(x).op("v128.andnot"),
  },
  le: {
    f32: compare("f32x4.le"),
    f64: compare("f64x2.le"),
    i32: compare("i32x4.le_s", "i32x4.le_u"),
    i64: compare64("i64x2.le_s"),
    mask: (c, [x, y]) => c.f.get(x).op("v128.not").get(y).op("v128.or"),
  },
  gt: {
    f32: compare("f32x4.gt"),
    f64: compare("f64x2.gt"),
    i32: compare("i32x4.gt_s", "i32x4.gt_u"),
    i64: compare64("i64x2.gt_s"),
    mask: (c, [x, y]) => c.f.get(x).get(y).op("v128.andnot"),
  },
  ge: {
    f32: compare("f32x4.ge"),
    f64: compare("f64x2.ge"),
    i32: compare("i32x4.ge_s", "i32x4.ge_u"),
    i64: compare64("i64x2.ge_s"),
    mask: (c, [x, y]) => c.f.get(y).op("v128.not").get(x).op("v128.or"),
  },
  and: bitwise("and"),
  or: bitwise("or"),
  xor: bitwise("xor"),
  not: { i32: wrapping(direct("v128.not")), i64: direct("v128.not"), mask: direct("v128.not") },
  select_n: select,
  clamp: {
    f32: clamp("f32x4.max", "f32x4.min"),
    f64: clamp("f64x2.max", "f64x2.min"),
    i32: (c, args, op) => {
      clamp(isSigned(op.to) ? "i32x4.max_s" : "i32x4.max_u", isSigned(op.to) ? "i32x4.min_s" : "i32x4.min_u")(
        c,
        args,
        op,
      );
    },
    i64: (c, [low, x, high], op) => {
      const pair = { ...op, from: [op.to, op.to] };
      (extremum("max").i64 as Emit)(c, [x, low], pair);
      (extremum("min").i64 as Emit)(c, [c.keep(), high], pair);
    },
    mask: (c, [low, x, high]) => c.f.get(x).get(low).op("v128.or").get(high).op("v128.and"),
  },
  nextafter: {
    f32: (c, [x, y]) => {
      nextafter(c, x, y);
    },
  },
  reduce_precision: { f32: fewerBits },
};

const rows: Readonly<Record<string, Row>> = { ...simple, ...mathRows(simple, wrapping) };

function sameMask(equal: boolean): Emit {
  return (c, [x, y]) => {
    c.f.get(x).get(y).op("v128.xor");
    if (equal) c.f.op("v128.not");
  };
}

const rowFor = (op: ScalarOp): Emit | undefined => {
  const { name, from } = op;
  if (!Object.hasOwn(rows, name)) return undefined;
  if (name === "nextafter" && from[0] !== "float32") return undefined;
  if (name === "select_n" && (from.length !== 3 || (from[0] !== "bool" && from[0] !== "int32"))) return undefined;
  if (name === "integer_pow" && (op.params.y as number) < 0 && formOf(op.to) !== "f32" && formOf(op.to) !== "f64")
    return undefined;
  if (name === "select_n") return rows[name][formOf(op.to)];
  return from.every((d) => formOf(d) === formOf(from[0])) ? rows[name][formOf(from[0])] : undefined;
};

export function supports(op: ScalarOp): boolean {
  if (op.name === "convert_element_type") return true;
  return rowFor(op) !== undefined;
}

/** Their results are halves if the operands are. */
const selecting = new Set(["max", "min", "clamp", "select_n", "neg", "abs", "sign", "floor", "ceil", "round"]);

/** The instructions of an equation; the result is left on the stack. */
export function emitScalarOp(c: VectorCode, args: readonly Local[], op: ScalarOp): void {
  if (op.name === "convert_element_type") convert(c, args[0], op.from[0], op.to);
  else (rowFor(op) as Emit)(c, args, op);
  if (isHalf(op.to) && !selecting.has(op.name)) roundHalf(c, op.to);
}
