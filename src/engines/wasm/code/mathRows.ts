/** Rows of the primitives that are more than an instruction or two: vector mathematics, JavaScript's functions lane by lane, integer arithmetic. */
import { dtypes } from "../../../core/dtype.ts";
import { specialFunctions } from "../math/special64.ts";
import { integerMath, integerMath2 } from "../math/integers.ts";
import { vectorMath, vectorMath2 } from "../math/index.ts";
import { binaryHost, unaryHost, type HostFunction } from "./host.ts";
import type { Emit, Row } from "./scalarOps.ts";
import { formOf, isSigned } from "./vectorCode.ts";

/** A function of JavaScript's on each lane. */
const byLane =
  (name: HostFunction): Emit =>
  (c, args, { to }) => {
    const { f } = c;
    const form = formOf(to);
    const out = c.temp();
    for (let lane = 0; lane < c.lanes; lane++) {
      f.get(out);
      for (const a of args) {
        f.get(a);
        if (form === "f64") f.lane("f64x2.extract_lane", lane);
        else f.lane("f32x4.extract_lane", lane).op("f64.promote_f32");
      }
      f.call(c.host(name));
      if (form === "f64") f.lane("f64x2.replace_lane", lane);
      else f.op("f32.demote_f64").lane("f32x4.replace_lane", lane);
      f.set(out);
    }
    f.get(out);
  };

/** Vector code for float32 where there is some; float64 always takes JavaScript's functions. */
const hosted = (name: HostFunction): Row => ({ f32: byLane(name), f64: byLane(name) });

/** Operations of integers that SIMD lacks. */
const integer = Object.fromEntries([
  ...Object.entries(integerMath).map(([name, emit]): [string, Emit] => [
    name,
    (c, [x], { to }) => {
      emit(c, x, isSigned(to), 8 * dtypes[to].bytes);
    },
  ]),
  ...Object.entries(integerMath2).map(([name, emit]): [string, Emit] => [
    name,
    (c, [x, y], { to }) => {
      emit(c, x, y, isSigned(to), 8 * dtypes[to].bytes);
    },
  ]),
]);

const vector = Object.fromEntries([
  ...Object.entries(vectorMath).map(([name, emit]): [string, Emit] => [
    name,
    (c, [x]) => {
      emit(c, x);
    },
  ]),
  ...Object.entries(vectorMath2).map(([name, emit]): [string, Emit] => [
    name,
    (c, [x, y]) => {
      emit(c, x, y);
    },
  ]),
]);

/** The rows of mathematics; where `simple` has a row for other forms, that is kept. */
export function mathRows(
  simple: Readonly<Record<string, Row>>,
  wrapping: (emit: Emit) => Emit,
): Readonly<Record<string, Row>> {
  const hosts = [...Object.keys({ ...unaryHost, ...binaryHost }), ...specialFunctions] as HostFunction[];
  const made: Record<string, Row> = Object.fromEntries(hosts.map((name) => [name, hosted(name)]));
  for (const [name, f32] of Object.entries(vector)) made[name] = { ...made[name], f32 };
  for (const [name, emit] of Object.entries(integer)) {
    const known = Object.hasOwn(simple, name) ? simple[name] : made[name];
    made[name] = { ...known, i32: wrapping(emit), i64: emit };
  }
  return made;
}
