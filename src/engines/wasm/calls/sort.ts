/**
 * Sorting along an axis. By one key of at most 32 bits: with the element's place in the line in the lower half, all keys are different numbers of 64 bits,
 * which are sorted themselves. By several keys, or wider ones: the places are sorted, and the keys of two places compared one after the other.
 * Then every operand is read in that order.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { SortParams, TopKParams } from "../../../primitives/sort.ts";
import { VectorCode } from "../code/vectorCode.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { CallCode, CallContext } from "./callCode.ts";
import { eachGroup, groupAddress, linesOf, type Lines } from "./lines.ts";
import { mergeSort, type Items } from "./mergeSort.ts";
import { copyRun } from "./runs.ts";
import { hasKey, isWide, keyOf, type PushKey } from "./sortKeys.ts";

/** How a line is sorted. */
interface Sorting {
  readonly lines: Lines;
  readonly keys: readonly DType[];
  /** By the total order of the bits, the greatest first. */
  readonly total: boolean;
}

/** Whether the key and the place fit into one number. */
const isPacked = ({ keys }: Sorting): boolean => keys.length === 1 && !isWide(keys[0]);

/** Bytes of workspace: two stretches of items, and the keys beside them if they are no part of these. */
const room = (sorting: Sorting): number =>
  sorting.lines.length * (isPacked(sorting) ? 2 * 8 : 2 * 4 + 8 * sorting.keys.length);

/** Calls `each` with every place of the line from the address `from` on, which goes along. */
function eachPlace(f: FunctionBuilder, { length, inner }: Lines, bytes: number, from: Local, each: (k: Local) => void) {
  const k = f.local("i32");
  f.forRange(k, 0, length, 1, () => {
    each(k);
    advance(f, from, inner * bytes);
  });
}

const advance = (f: FunctionBuilder, address: Local, bytes: number): void => {
  f.get(address).i32(bytes).op("i32.add").set(address);
};

/** Writes the key of each element and its place as one number. */
function packed(f: FunctionBuilder, { lines, keys: [dtype], total }: Sorting, push: PushKey, from: Local, a: Local) {
  const at = f.local("i32");
  f.get(a).set(at);
  eachPlace(f, lines, dtypes[dtype].bytes, from, (k) => {
    f.get(at);
    push(from);
    // The greatest come first among the greatest k.
    if (total) f.i32(-1).op("i32.xor");
    f.op("i64.extend_i32_u").i64(32n).op("i64.shl").get(k).op("i64.extend_i32_u", "i64.or").mem("i64.store");
    advance(f, at, 8);
  });
}

const numbers = (f: FunctionBuilder): Items => ({
  type: "i64",
  log2: 3,
  load: "i64.load",
  store: "i64.store",
  inOrder: (x, y, first) => f.get(x).get(y).op("i64.lt_u").set(first),
});

/** Places, of which `keys` are the addresses of their keys. */
function places(f: FunctionBuilder, keys: readonly Local[]): Items {
  const [p, q] = [f.local("i64"), f.local("i64")];
  const keyAt = (base: Local, place: Local): FunctionBuilder =>
    f.get(place).i32(3).op("i32.shl").get(base).op("i32.add").mem("i64.load");
  return {
    type: "i32",
    log2: 2,
    load: "i32.load",
    store: "i32.store",
    inOrder: (x, y, first) =>
      f.block((known) => {
        for (const key of keys) {
          keyAt(key, x).set(p);
          keyAt(key, y).set(q);
          f.get(p).get(q).op("i64.le_u").set(first);
          f.get(p).get(q).op("i64.ne").brIf(known);
        }
      }),
  };
}

/** Sorts each line; `write` gets its group, and the address of the sorted places, so many bytes apart. */
function eachSorted(
  { f, addresses, host }: CallContext,
  sorting: Sorting,
  write: (group: readonly [Local, Local], sorted: Local, step: number) => void,
): void {
  const { lines, keys, total } = sorting;
  const { length } = lines;
  const c = new VectorCode(
    f,
    keys.some((dtype) => isWide(dtype)),
    host,
  );
  const push = keys.map((dtype) => keyOf(c, dtype, total));
  const size = isPacked(sorting) ? 8 : 4;
  const [a, b, at] = [addresses[addresses.length - 1], f.local("i32"), f.local("i32")];
  const held = keys.map(() => f.local("i32"));
  // Keys of 64 bits come first, where they lie on multiples of their size.
  const last = isPacked(sorting) ? a : f.local("i32");
  if (!isPacked(sorting)) {
    held.forEach((key, n) =>
      f
        .get(a)
        .i32(8 * length * n)
        .op("i32.add")
        .set(key),
    );
    f.get(a)
      .i32(8 * length * keys.length)
      .op("i32.add")
      .set(last);
  }
  f.get(last)
    .i32(size * length)
    .op("i32.add")
    .set(b);
  const items = isPacked(sorting) ? numbers(f) : places(f, held);
  eachGroup(f, lines, 1, (o, j) => {
    const starts = keys.map((dtype, n) => groupAddress(f, addresses[n], [o, j], lines, length, dtypes[dtype].bytes));
    if (isPacked(sorting)) packed(f, sorting, push[0], starts[0], a);
    else {
      keys.forEach((dtype, n) => {
        f.get(held[n]).set(at);
        eachPlace(f, lines, dtypes[dtype].bytes, starts[n], () => {
          f.get(at);
          push[n](starts[n]);
          if (!isWide(dtype)) f.op("i64.extend_i32_u");
          if (total) f.i64(-1n).op("i64.xor");
          f.mem("i64.store");
          advance(f, at, 8);
        });
      });
      const k = f.local("i32");
      f.get(last).set(at);
      f.forRange(k, 0, length, 1, () => {
        f.get(at).get(k).mem("i32.store");
        advance(f, at, 4);
      });
    }
    write([o, j], mergeSort(f, items, length, last, b), size);
  });
}

/** The first `count` elements of a line in its new order: from one array into another, whose lines have so many. */
function inOrder(
  f: FunctionBuilder,
  lines: Lines,
  bytes: number,
  { from, to, sorted, step, count }: { from: Local; to: Local; sorted: Local; step: number; count: number },
  also: (place: Local) => void = () => undefined,
): void {
  const [p, i, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.get(sorted).set(p);
  f.forRange(i, 0, count, 1, () => {
    f.get(p)
      .mem("i32.load")
      .i32(lines.inner * bytes)
      .op("i32.mul")
      .get(from)
      .op("i32.add")
      .set(at);
    copyRun(f, to, at, bytes);
    also(p);
    advance(f, p, step);
    advance(f, to, lines.inner * bytes);
  });
}

const sortingOf = (
  avals: readonly { readonly shape: readonly number[]; readonly dtype: DType }[],
  params: unknown,
): Sorting => {
  const { dimension, num_keys } = params as SortParams;
  const keys = avals.slice(0, num_keys).map((x) => x.dtype);
  return { lines: linesOf(avals[0].shape, dimension), keys, total: false };
};

export const sort: CallCode = {
  fits: ({ params }, avals) => avals.slice(0, (params as unknown as SortParams).num_keys).every((x) => hasKey(x.dtype)),
  workspace: ({ params }, avals) => room(sortingOf(avals, params)),
  emit(context) {
    const { f, step, addresses } = context;
    const sorting = sortingOf(step.inAvals, step.eqn.params);
    const { lines } = sorting;
    const operands = step.operands.length;
    eachSorted(context, sorting, (group, sorted, apart) => {
      step.inAvals.forEach(({ dtype }, n) => {
        const { bytes } = dtypes[dtype];
        const from = groupAddress(f, addresses[n], group, lines, lines.length, bytes);
        const to = groupAddress(f, addresses[operands + n], group, lines, lines.length, bytes);
        inOrder(f, lines, bytes, { from, to, sorted, step: apart, count: lines.length });
      });
    });
  },
};

const greatestOf = (
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: DType },
  params: unknown,
): Sorting => ({ lines: linesOf(shape, (params as TopKParams).axis), keys: [dtype], total: true });

export const topK: CallCode = {
  fits: (_eqn, [x]) => hasKey(x.dtype),
  workspace: ({ params }, [x]) => room(greatestOf(x, params)),
  emit(context) {
    const { f, step, addresses } = context;
    const { k } = step.eqn.params as unknown as TopKParams;
    const [x] = step.inAvals;
    const { bytes } = dtypes[x.dtype];
    const sorting = greatestOf(x, step.eqn.params);
    const { lines } = sorting;
    eachSorted(context, sorting, (group, sorted, apart) => {
      const from = groupAddress(f, addresses[0], group, lines, lines.length, bytes);
      const to = groupAddress(f, addresses[1], group, lines, k, bytes);
      const indices = groupAddress(f, addresses[2], group, lines, k, 4);
      inOrder(f, lines, bytes, { from, to, sorted, step: apart, count: k }, (p) => {
        f.get(indices).get(p).mem("i32.load").mem("i32.store");
        advance(f, indices, lines.inner * 4);
      });
    });
  },
};
