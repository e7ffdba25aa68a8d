/**
 * Packing: rows of a source are copied side by side into a panel, k after k, so that a tile reads them in one stream whatever the layout of the
 * operand was. Transposes, slices and the windows of convolutions are resolved here and nowhere else.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { ModuleBuilder } from "../encode/module.ts";
import { source } from "./arguments.ts";
import { digits, weighed } from "./lines.ts";
import { advance, advanceBy, loaded, product, repeat, smaller, whileBelow } from "./emit.ts";

interface Panel {
  /** Rows side by side. */
  readonly width: number;
  readonly bytes: 4 | 8;
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Four numbers each of four rows, loaded and turned around; two of two for numbers of 8 bytes. */
export function turned(
  f: FunctionBuilder,
  bytes: 4 | 8,
  rows: readonly Local[],
  v: readonly Local[],
  offset = 0,
): void {
  rows.forEach((q, i) => f.get(q).mem("v128.load", offset, 2).set(v[i]));
  const shuffled = (to: Local, x: Local, y: Local, places: readonly [number, number, number, number]): void => {
    f.get(x)
      .get(y)
      .shuffle32(...places)
      .set(to);
  };
  if (bytes === 8) {
    const [a, b, t] = v;
    shuffled(t, a, b, [0, 1, 4, 5]);
    shuffled(b, a, b, [2, 3, 6, 7]);
    f.get(t).set(a);
    return;
  }
  const [a, b, c, d, t, u] = v;
  shuffled(t, a, b, [0, 4, 1, 5]);
  shuffled(b, a, b, [2, 6, 3, 7]);
  shuffled(u, c, d, [0, 4, 1, 5]);
  shuffled(d, c, d, [2, 6, 3, 7]);
  shuffled(a, t, u, [0, 1, 4, 5]);
  shuffled(t, t, u, [2, 3, 6, 7]);
  shuffled(u, b, d, [0, 1, 4, 5]);
  shuffled(d, b, d, [2, 3, 6, 7]);
  f.get(t).set(b).get(u).set(c);
}

/** (dst, count, step, row addresses ...): `count` numbers of each row, `step` bytes apart. */
export function packRun(module: ModuleBuilder, { width, bytes }: Panel): FunctionBuilder {
  const f = module.func(times(width + 3, () => "i32"));
  const [dst, count, step] = [0, 1, 2];
  const rows = times(width, (r) => r + 3);
  const lanes = 16 / bytes;
  const [n, v] = [f.local("i32"), times(6, () => f.local("v128"))];
  const full = Math.floor(width / lanes);

  const turning = (): void => {
    f.get(count).i32(Math.log2(lanes)).op("i32.shr_u").set(n);
    repeat(f, n, () => {
      for (let g = 0; g < full; g++) {
        turned(f, bytes, rows.slice(g * lanes, (g + 1) * lanes), v);
        for (let k = 0; k < lanes; k++) {
          f.get(dst)
            .get(v[k])
            .mem("v128.store", (k * width + g * lanes) * bytes, 2);
        }
      }
      if (full * lanes < width) {
        // Two rows of 32-bit numbers are left over.
        const [a, b] = v;
        f.get(rows[full * lanes])
          .mem("v128.load", 0, 2)
          .set(a);
        f.get(rows[full * lanes + 1])
          .mem("v128.load", 0, 2)
          .set(b);
        const at = (k: number): number => (k * width + full * lanes) * bytes;
        f.get(a).get(b).shuffle32(0, 4, 1, 5).set(v[2]);
        f.get(dst).get(v[2]).memLane("v128.store64_lane", 0, at(0));
        f.get(dst).get(v[2]).memLane("v128.store64_lane", 1, at(1));
        f.get(a).get(b).shuffle32(2, 6, 3, 7).set(v[2]);
        f.get(dst).get(v[2]).memLane("v128.store64_lane", 0, at(2));
        f.get(dst).get(v[2]).memLane("v128.store64_lane", 1, at(3));
      }
      for (const q of rows) advance(f, q, 16);
      advance(f, dst, lanes * width * bytes);
    });
    f.get(count)
      .i32(lanes - 1)
      .op("i32.and")
      .set(count);
  };

  const copying = (): void => {
    repeat(f, count, () => {
      for (let g = 0; g < full; g++) {
        f.get(dst)
          .get(rows[0])
          .mem("v128.load", 16 * g, 2)
          .mem("v128.store", 16 * g, 2);
      }
      if (full * lanes < width) {
        f.get(dst)
          .get(rows[0])
          .mem("i64.load", 16 * full, 2)
          .mem("i64.store", 16 * full, 2);
      }
      advanceBy(f, rows[0], step);
      advance(f, dst, width * bytes);
    });
  };

  f.get(step)
    .i32(bytes)
    .op("i32.eq")
    .if(turning, () => {
      // Rows side by side in memory?
      for (let r = 1; r < width; r++) {
        f.get(rows[r])
          .get(rows[r - 1])
          .op("i32.sub")
          .i32(bytes)
          .op("i32.eq");
        if (r > 1) f.op("i32.and");
      }
      f.if(copying);
    });
  const scalar = bytes === 4 ? (["i32.load", "i32.store"] as const) : (["i64.load", "i64.store"] as const);
  repeat(f, count, () => {
    rows.forEach((q, r) =>
      f
        .get(dst)
        .get(q)
        .mem(scalar[0], 0, 2)
        .mem(scalar[1], r * bytes, 2),
    );
    for (const q of rows) advanceBy(f, q, step);
    advance(f, dst, width * bytes);
  });
  return f;
}

/** (args, src, operand, row, rows, first, end, dst): packs rows `row`, `row` + 1 ... (the last one again beyond `rows`), and k from first to end. */
export function packPanel(module: ModuleBuilder, run: FunctionBuilder, panel: Panel): FunctionBuilder {
  const { width, bytes } = panel;
  const f = module.func(times(8, () => "i32"));
  const [args, src, operand, row, rows, first, end, dst] = times(8, (i) => i);
  const last = f.local("i32");
  f.get(rows).i32(1).op("i32.sub").set(last);
  const step = loaded(f, src, source.featureStep);
  f.get(src).mem("i32.load", source.windowed).op("i32.eqz");
  f.if(() => {
    const step2 = loaded(f, src, source.step2);
    f.get(operand).get(first).get(step).op("i32.mul", "i32.add").set(operand);
    f.get(dst).get(end).get(first).op("i32.sub").get(step);
    for (let r = 0; r < width; r++) {
      f.get(operand);
      smaller(
        f,
        () => f.get(row).i32(r).op("i32.add"),
        () => f.get(last),
      );
      f.get(step2).op("i32.mul", "i32.add");
    }
    f.call(run).op("return");
  });

  const at = times(width, () => f.local("i32"));
  const outer = times(width, () => f.local("i32"));
  const lasts = times(width, () => f.local("i32"));
  const [outerTable, lastTable] = [loaded(f, src, source.outerTable), loaded(f, src, source.lastTable)];
  const number = digits(f, src);
  f.get(operand).get(src).mem("i32.load", source.base).op("i32.add").set(operand);
  number.start(row);
  for (let r = 0; r < width; r++) {
    f.get(operand);
    weighed(f, src, number, "step");
    f.op("i32.add").set(at[r]);
    // A row of a table begins with the place in the result.
    f.get(args).get(outerTable).op("i32.add").i32(4).op("i32.add");
    weighed(f, src, number, "outer");
    f.op("i32.add").set(outer[r]);
    f.get(args).get(lastTable).op("i32.add").i32(4).op("i32.add");
    weighed(f, src, number, "last");
    f.op("i32.add").set(lasts[r]);
    if (r === width - 1) break;
    f.get(row)
      .i32(r)
      .op("i32.add")
      .get(last)
      .op("i32.lt_s")
      .if(() => {
        number.next();
      });
  }

  const features = loaded(f, src, source.features);
  const places = loaded(f, src, source.lastPlaces);
  const [k, place, feature, wOuter, wLast, count, skip] = times(7, () => f.local("i32"));
  const [valid, offset] = [times(width, () => f.local("i32")), f.local("i32")];
  f.get(first).set(k);
  f.get(k).get(features).op("i32.rem_u").set(feature);
  f.get(k).get(features).op("i32.div_u").set(place);
  f.get(place).get(places).op("i32.rem_u").i32(2).op("i32.shl").set(wLast);
  f.get(place).get(places).op("i32.div_u").i32(2).op("i32.shl").set(wOuter);
  f.get(places).i32(2).op("i32.shl").set(places);
  const [any, all] = [f.local("i32"), f.local("i32")];
  whileBelow(f, k, end, () => {
    smaller(
      f,
      () => f.get(features).get(feature).op("i32.sub"),
      () => f.get(end).get(k).op("i32.sub"),
    ).set(count);
    product(f, feature, step).set(skip);
    // Addresses outside of the input are replaced by any address inside, and what was read there by zeros afterwards.
    f.get(operand).set(offset).i32(0).set(any).i32(-1).set(all);
    for (let r = 0; r < width; r++) {
      f.get(outer[r]).get(wOuter).op("i32.add").mem("i32.load");
      f.get(lasts[r]).get(wLast).op("i32.add").mem("i32.load").op("i32.add").tee(valid[r]);
      f.i32(-1).op("i32.xor").get(all).op("i32.and").set(all);
      f.get(valid[r]).i32(-1).op("i32.xor").get(any).op("i32.or").set(any);
      f.get(at[r]).get(valid[r]).op("i32.add").get(offset);
      f.get(valid[r]).i32(0).op("i32.ge_s", "select").set(offset);
    }
    f.get(any)
      .i32(0)
      .op("i32.lt_s")
      .if(
        () => {
          f.get(dst).get(count).get(step);
          for (let r = 0; r < width; r++) {
            f.get(at[r]).get(valid[r]).op("i32.add").get(offset);
            f.get(valid[r]).i32(0).op("i32.ge_s", "select").get(skip).op("i32.add");
          }
          f.call(run);
          f.get(all)
            .i32(0)
            .op("i32.ge_s")
            .if(() => {
              for (let r = 0; r < width; r++) clearRow(f, panel, dst, count, valid[r], r, offset);
            });
        },
        () =>
          f
            .get(dst)
            .i32(0)
            .get(count)
            .i32(width * bytes)
            .op("i32.mul")
            .memoryFill(),
      );
    f.get(dst)
      .get(count)
      .i32(width * bytes)
      .op("i32.mul", "i32.add")
      .set(dst);
    advanceBy(f, k, count);
    f.i32(0).set(feature);
    advance(f, wLast, 4);
    f.get(wLast)
      .get(places)
      .op("i32.eq")
      .if(() => {
        f.i32(0).set(wLast);
        advance(f, wOuter, 4);
      });
  });
  return f;
}

/** Zeros in the panel's row `r`, if its place lies outside. */
function clearRow(
  f: FunctionBuilder,
  { width, bytes }: Panel,
  dst: Local,
  count: Local,
  place: Local,
  r: number,
  to: Local,
): void {
  const n = f.local("i32");
  f.get(place)
    .i32(0)
    .op("i32.lt_s")
    .if(() => {
      f.get(dst).set(to).get(count).set(n);
      repeat(f, n, () => {
        f.get(to);
        if (bytes === 4) f.i32(0).mem("i32.store", r * bytes, 2);
        else f.i64(0n).mem("i64.store", r * bytes, 2);
        advance(f, to, width * bytes);
      });
    });
}
