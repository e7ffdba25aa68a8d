/**
 * A merge sort from the bottom up, between two stretches of memory: runs of 1, 2, 4, ... items are merged pair by pair. Of items that are equal, those of
 * the earlier run come first, so that they stay in their order.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { MemoryOp } from "../encode/opcodes.ts";

/** What is sorted. */
export interface Items {
  readonly type: "i32" | "i64";
  /** Bytes of an item: 2 to this power. */
  readonly log2: 2 | 3;
  readonly load: MemoryOp;
  readonly store: MemoryOp;
  /** Sets `first` to 1 if x may stand before y, else to 0. */
  readonly inOrder: (x: Local, y: Local, first: Local) => void;
}

/** Brings `length` items at `a` in order; gives the address at which they end up, `a` or `b`. */
export function mergeSort(f: FunctionBuilder, items: Items, length: number, a: Local, b: Local): Local {
  const { type, log2, load, store, inOrder } = items;
  const size = 1 << log2;
  const [lo, mid, hi, i, j, to, width, end] = Array.from({ length: 8 }, () => f.local("i32"));
  const [x, y, first] = [f.local(type), f.local(type), f.local("i32")];
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
  f.get(a).set(from).get(b).set(into).i32(size).set(width);
  f.block((done) => {
    f.loop((again) => {
      f.get(width)
        .i32(size * length)
        .op("i32.ge_u")
        .brIf(done);
      f.get(from)
        .i32(size * length)
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
            f.get(i).mem(load).set(x).get(j).mem(load).set(y);
            inOrder(x, y, first);
            f.get(to).get(x).get(y).get(first).op("select").mem(store);
            f.get(to).i32(size).op("i32.add").set(to);
            f.get(i).get(first).i32(log2).op("i32.shl", "i32.add").set(i);
            f.get(j).get(first).op("i32.eqz").i32(log2).op("i32.shl", "i32.add").set(j);
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
