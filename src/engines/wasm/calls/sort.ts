/**
 * Sorting along an axis. The key of each element becomes 32 bits whose order as a whole number is that of the elements; with the element's place in the
 * line in the lower half, all are different numbers of 64 bits, which a merge sort brings in order: what is equal stays in its order. Then
 * every operand is read in that order. Numbers of 64 bits and several keys are left to the reference kernel.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { SortParams, TopKParams } from "../../../primitives/sort.ts";
import { loadSplat } from "../code/lanes.ts";
import { formOf, isSigned, VectorCode } from "../code/vectorCode.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { CallCode, CallContext } from "./callCode.ts";
import { eachGroup, groupAddress, linesOf, type Lines } from "./lines.ts";
import { copyRun } from "./runs.ts";

const hasKey = (dtype: DType): boolean => {
  const { kind, bytes } = dtypes[dtype];
  return bytes <= 4 && (kind === "float" || kind === "int" || kind === "uint" || kind === "bool");
};

/** Pushes the key of the element at an address. */
type PushKey = (address: Local) => void;

/** In numerical order, -0 equal to 0 and all NaN last; or in the total order of the bits, -0 before 0 and NaN at the ends by its sign. */
function keyOf(c: VectorCode, dtype: DType, total: boolean): PushKey {
  const { f } = c;
  const bits = f.local("i32");
  if (formOf(dtype) !== "f32")
    return (address) => {
      loadSplat(c, dtype, address, 0);
      f.lane("i32x4.extract_lane", 0);
      if (isSigned(dtype)) f.i32(-(2 ** 31)).op("i32.xor");
    };
  return (address) => {
    loadSplat(c, dtype, address, 0);
    const x = c.keep();
    f.get(x);
    if (!total) f.get(c.f32(0)).op("f32x4.add");
    f.lane("i32x4.extract_lane", 0).set(bits);
    f.get(bits)
      .i32(-1)
      .op("i32.xor")
      .get(bits)
      .i32(-(2 ** 31))
      .op("i32.or");
    f.get(bits).i32(0).op("i32.lt_s", "select");
    if (total) return;
    f.i32(-1).get(x).lane("f32x4.extract_lane", 0).get(x).lane("f32x4.extract_lane", 0).op("f32.ne").set(bits);
    // The operands of select stand the other way round.
    const key = f.local("i32");
    const last = f.local("i32");
    f.set(last).set(key);
    f.get(last).get(key).get(bits).op("select");
  };
}

/** Brings `length` numbers of 64 bits in order; gives the address at which they end up, `a` or `b`. */
function mergeSort(f: FunctionBuilder, length: number, a: Local, b: Local): Local {
  const [lo, mid, hi, i, j, to, width, end] = Array.from({ length: 8 }, () => f.local("i32"));
  const [x, y, first] = [f.local("i64"), f.local("i64"), f.local("i32")];
  const [from, into, swap] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const bounded = (offset: () => void, out: Local): void => {
    offset();
    f.set(out);
    f.get(out).get(end).get(out).get(end).op("i32.lt_u", "select").set(out);
  };
  const rest = (start: Local, stop: Local): void => {
    f.get(start).get(stop).op("i32.lt_u");
    f.if(() => {
      f.get(to).get(start).get(stop).get(start).op("i32.sub").memoryCopy();
    });
  };
  f.get(a).set(from).get(b).set(into).i32(8).set(width);
  f.block((done) => {
    f.loop((again) => {
      f.get(width)
        .i32(8 * length)
        .op("i32.ge_u")
        .brIf(done);
      f.get(from)
        .i32(8 * length)
        .op("i32.add")
        .set(end);
      f.get(from).set(lo).get(into).set(to);
      f.loop((nextPair) => {
        bounded(() => f.get(lo).get(width).op("i32.add"), mid);
        bounded(() => f.get(mid).get(width).op("i32.add"), hi);
        f.get(lo).set(i).get(mid).set(j);
        f.block((merged) => {
          f.loop((more) => {
            f.get(i).get(mid).op("i32.ge_u").get(j).get(hi).op("i32.ge_u", "i32.or").brIf(merged);
            f.get(i).mem("i64.load").set(x).get(j).mem("i64.load").set(y);
            f.get(x).get(y).op("i64.lt_u").set(first);
            f.get(to).get(x).get(y).get(first).op("select").mem("i64.store");
            f.get(to).i32(8).op("i32.add").set(to);
            f.get(i).get(first).i32(3).op("i32.shl", "i32.add").set(i);
            f.get(j).get(first).op("i32.eqz").i32(3).op("i32.shl", "i32.add").set(j);
            f.br(more);
          });
        });
        rest(i, mid);
        rest(j, hi);
        // Both runs are written: their length on from where they began.
        f.get(into).get(hi).get(from).op("i32.sub", "i32.add").set(to);
        f.get(hi).tee(lo).get(end).op("i32.lt_u").brIf(nextPair);
      });
      f.get(from).set(swap).get(into).set(from).get(swap).set(into);
      f.get(width).i32(1).op("i32.shl").set(width);
      f.br(again);
    });
  });
  return from;
}

/** Sorts each line; `write` gets its group, and the address of the sorted numbers. */
function eachSorted(
  { f, step, addresses, host }: CallContext,
  lines: Lines,
  total: boolean,
  write: (o: Local, j: Local, sorted: Local) => void,
): void {
  const [{ dtype }] = step.inAvals;
  const { bytes } = dtypes[dtype];
  const c = new VectorCode(f, false, host);
  const push = keyOf(c, dtype, total);
  const a = addresses[addresses.length - 1];
  const [b, k, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(a)
    .i32(8 * lines.length)
    .op("i32.add")
    .set(b);
  eachGroup(f, lines, 1, (o, j) => {
    const from = groupAddress(f, addresses[0], [o, j], lines, lines.length, bytes);
    f.get(a).set(at);
    f.forRange(k, 0, lines.length, 1, () => {
      f.get(at);
      push(from);
      // The greatest come first among the greatest k.
      if (total) f.i32(-1).op("i32.xor");
      f.op("i64.extend_i32_u").i64(32n).op("i64.shl").get(k).op("i64.extend_i32_u", "i64.or").mem("i64.store");
      f.get(at).i32(8).op("i32.add").set(at);
      f.get(from)
        .i32(lines.inner * bytes)
        .op("i32.add")
        .set(from);
    });
    write(o, j, mergeSort(f, lines.length, a, b));
  });
}

const room = ({ length }: Lines): number => 16 * length;

export const sort: CallCode = {
  fits: (eqn, [x]) => (eqn.params as unknown as SortParams).num_keys === 1 && hasKey(x.dtype),
  workspace: (eqn, [x]) => room(linesOf(x.shape, (eqn.params as unknown as SortParams).dimension)),
  emit(context) {
    const { f, step, addresses } = context;
    const { dimension } = step.eqn.params as unknown as SortParams;
    const lines = linesOf(step.inAvals[0].shape, dimension);
    const count = step.operands.length;
    const [k, p] = [f.local("i32"), f.local("i32")];
    eachSorted(context, lines, false, (o, j, sorted) => {
      step.inAvals.forEach(({ dtype }, n) => {
        const { bytes } = dtypes[dtype];
        const from = groupAddress(f, addresses[n], [o, j], lines, lines.length, bytes);
        const to = groupAddress(f, addresses[count + n], [o, j], lines, lines.length, bytes);
        const at = f.local("i32");
        f.get(sorted).set(p);
        f.forRange(k, 0, lines.length, 1, () => {
          f.get(p)
            .mem("i32.load")
            .i32(lines.inner * bytes)
            .op("i32.mul")
            .get(from)
            .op("i32.add")
            .set(at);
          copyRun(f, to, at, bytes);
          f.get(p).i32(8).op("i32.add").set(p);
          f.get(to)
            .i32(lines.inner * bytes)
            .op("i32.add")
            .set(to);
        });
      });
    });
  },
};

export const topK: CallCode = {
  fits: (_eqn, [x]) => hasKey(x.dtype),
  workspace: (eqn, [x]) => room(linesOf(x.shape, (eqn.params as unknown as TopKParams).axis)),
  emit(context) {
    const { f, step, addresses } = context;
    const { axis, k } = step.eqn.params as unknown as TopKParams;
    const [{ shape, dtype }] = step.inAvals;
    const { bytes } = dtypes[dtype];
    const lines = linesOf(shape, axis);
    const [i, p, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
    eachSorted(context, lines, true, (o, j, sorted) => {
      const from = groupAddress(f, addresses[0], [o, j], lines, lines.length, bytes);
      const values = groupAddress(f, addresses[1], [o, j], lines, k, bytes);
      const places = groupAddress(f, addresses[2], [o, j], lines, k, 4);
      f.get(sorted).set(p);
      f.forRange(i, 0, k, 1, () => {
        f.get(p)
          .mem("i32.load")
          .i32(lines.inner * bytes)
          .op("i32.mul")
          .get(from)
          .op("i32.add")
          .set(at);
        copyRun(f, values, at, bytes);
        f.get(places).get(p).mem("i32.load").mem("i32.store");
        f.get(p).i32(8).op("i32.add").set(p);
        f.get(values)
          .i32(lines.inner * bytes)
          .op("i32.add")
          .set(values);
        f.get(places)
          .i32(lines.inner * 4)
          .op("i32.add")
          .set(places);
      });
    });
  },
};
