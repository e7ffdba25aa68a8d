/** The routines of pooling: loops over images, places and channels, and what is done to the numbers that a window sees. */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import { advance, loaded, repeat, whileBelow } from "./emit.ts";
import { layout } from "./arguments.ts";

const fields = layout(
  "out",
  "lhs",
  "rhs",
  "workspace",
  // Units of an image, and rows of windows in a unit; windows in a row.
  "perImage",
  "unitRows",
  "lastRows",
  "outerPlaces",
  "lastPlaces",
  "channels",
  // Bytes of an image of the operand, and of what its windows give.
  "imageBytes",
  "windowBytes",
  "outerTable",
  "lastTable",
  "slotUnits",
  "slotBytes",
);

/** The argument block: its fields, and where the tables begin. */
export const pool = { fields, BYTES: 4 * Object.keys(fields).length } as const;

/** One number in all lanes, or four numbers. */
interface Access {
  load(offset?: number): void;
  store(): void;
}

interface Place {
  readonly f: FunctionBuilder;
  /** Where the channels' numbers begin: of the first operand (or the source), of the operand that selects, and of the result. */
  readonly lhs: Local;
  readonly rhs: Local;
  readonly out: Local;
  /** The addresses that the window sees, relative to the image, and how many they are. */
  readonly list: Local;
  readonly count: Local;
  readonly access: Access;
}

export interface Pool {
  readonly scatters: boolean;
  /** Makes what is done at a place, once for vectors and once for single numbers. */
  at(f: FunctionBuilder): (place: Place) => void;
}

/** Runs `body` for each address of the list, with its number. */
function eachSeen(place: Place, at: Local, n: Local, body: () => void): void {
  const { f, list, count } = place;
  f.get(list).set(at).get(count).set(n);
  repeat(f, n, () => {
    body();
    advance(f, at, 4);
  });
}

/** Pushes what stands at the window's place of the list, in the operand that begins at `base`. */
function pushSeen({ f, access }: Place, base: Local, at: Local): void {
  f.get(base).get(at).mem("i32.load").op("i32.add");
  access.load();
}

function reduction(start: number, step: (f: FunctionBuilder, sum: Local, x: Local) => void): Pool {
  return {
    scatters: false,
    at(f) {
      const [sum, x, at, n] = [f.local("v128"), f.local("v128"), f.local("i32"), f.local("i32")];
      return (place) => {
        f.f32x4(start).set(sum);
        eachSeen(place, at, n, () => {
          pushSeen(place, place.lhs, at);
          f.set(x);
          step(f, sum, x);
        });
        f.get(place.out).get(sum);
        place.access.store();
      };
    },
  };
}

/** A number replaces another that it exceeds; a NaN replaces any. */
const extremum =
  (compare: "f32x4.gt" | "f32x4.lt") =>
  (f: FunctionBuilder, best: Local, x: Local): void => {
    f.get(x).get(best).get(x).get(best).op(compare).get(x).get(x).op("f32x4.ne", "v128.or", "v128.bitselect").set(best);
  };

type Compare = "f32x4.ge" | "f32x4.le";

const gathering = (keeps: Compare): Pool => ({
  scatters: false,
  at(f) {
    const [best, value, x, keep] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
    const [at, n] = [f.local("i32"), f.local("i32")];
    return (place) => {
      // Nothing is kept before the first one: a NaN compares with nothing.
      f.f32x4(NaN).set(best).f32x4(0).set(value);
      eachSeen(place, at, n, () => {
        pushSeen(place, place.rhs, at);
        f.set(x).get(best).get(x).op(keeps).set(keep);
        f.get(best).get(x).get(keep).op("v128.bitselect").set(best);
        f.get(value);
        pushSeen(place, place.lhs, at);
        f.get(keep).op("v128.bitselect").set(value);
      });
      f.get(place.out).get(value);
      place.access.store();
    };
  },
});

const scattering = (keeps: Compare): Pool => ({
  scatters: true,
  at(f) {
    const [best, chosen, x, keep] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
    const [at, n, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const pushNumber = (): void => {
      f.get(n).op("i32x4.splat");
    };
    return (place) => {
      f.f32x4(NaN).set(best).i32x4(0).set(chosen);
      eachSeen(place, at, n, () => {
        pushSeen(place, place.rhs, at);
        f.set(x).get(best).get(x).op(keeps).set(keep);
        f.get(best).get(x).get(keep).op("v128.bitselect").set(best);
        f.get(chosen);
        pushNumber();
        f.get(keep).op("v128.bitselect").set(chosen);
      });
      // Adding zero to the others changes none of them: a sum that starts at +0 is never -0.
      eachSeen(place, at, n, () => {
        f.get(place.out).get(at).mem("i32.load").op("i32.add").tee(to).get(to);
        place.access.load();
        f.get(place.lhs);
        place.access.load();
        f.get(chosen);
        pushNumber();
        f.op("i32x4.eq", "v128.and", "f32x4.add");
        place.access.store();
      });
    };
  },
});

/** What each routine does, by its name. */
export const pools: Readonly<Record<string, Pool>> = {
  pool_sum_f32: reduction(0, (f, sum, x) => f.get(sum).get(x).op("f32x4.add").set(sum)),
  pool_max_f32: reduction(-Infinity, extremum("f32x4.gt")),
  pool_min_f32: reduction(Infinity, extremum("f32x4.lt")),
  pool_gather_ge_f32: gathering("f32x4.ge"),
  pool_gather_le_f32: gathering("f32x4.le"),
  pool_scatter_ge_f32: scattering("f32x4.ge"),
  pool_scatter_le_f32: scattering("f32x4.le"),
};

/** (args, start, end) */
export function poolRoutine(module: ModuleBuilder, { scatters, at: makeAt }: Pool): Callable {
  const f = module.func(["i32", "i32", "i32"]);
  const [args, unit, end] = [0, 1, 2];
  const i32 = (): Local => f.local("i32");
  const field = (name: keyof typeof fields): Local => loaded(f, args, fields[name]);
  const [perImage, unitRows, lastRows] = [field("perImage"), field("unitRows"), field("lastRows")];
  const [outerPlaces, lastPlaces, channels] = [field("outerPlaces"), field("lastPlaces"), field("channels")];
  const [imageBytes, windowBytes] = [field("imageBytes"), field("windowBytes")];
  const [list, count, outer, last] = [i32(), i32(), i32(), i32()];
  const [image, rows, columns, skipped, n, m, p, q, to, sum] = [
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
    i32(),
  ];
  const pointers = { lhs: i32(), rhs: i32(), out: i32() };
  const cursors = { lhs: i32(), rhs: i32(), out: i32() };
  /** What lies in the order of windows, not of the operand. */
  const byWindow = scatters ? "lhs" : "out";
  const body = makeAt(f);

  f.get(unit).get(args).mem("i32.load", fields.slotUnits).op("i32.div_u");
  f.get(args)
    .mem("i32.load", fields.slotBytes)
    .op("i32.mul")
    .get(args)
    .mem("i32.load", fields.workspace)
    .op("i32.add")
    .set(list);

  whileBelow(f, unit, end, () => {
    f.get(unit).get(perImage).op("i32.div_u").set(image);
    f.get(unit).get(perImage).op("i32.rem_u").get(unitRows).op("i32.mul").set(skipped);
    for (const name of ["lhs", "rhs", "out"] as const) {
      f.get(args).mem("i32.load", fields[name]).get(image);
      f.get(name === byWindow ? windowBytes : imageBytes)
        .op("i32.mul", "i32.add")
        .set(pointers[name]);
    }
    f.get(pointers[byWindow])
      .get(skipped)
      .get(lastRows)
      .op("i32.mul")
      .get(channels)
      .op("i32.mul")
      .i32(2)
      .op("i32.shl", "i32.add");
    f.set(pointers[byWindow]);
    if (scatters) f.get(pointers.out).i32(0).get(imageBytes).memoryFill();
    f.get(args).mem("i32.load", fields.outerTable).get(args).op("i32.add");
    f.get(skipped).get(outerPlaces).i32(1).op("i32.add", "i32.mul").i32(2).op("i32.shl", "i32.add").set(outer);
    f.get(unitRows).set(rows);
    repeat(f, rows, () => {
      f.get(args).mem("i32.load", fields.lastTable).get(args).op("i32.add").set(last);
      advance(f, outer, 4);
      f.get(lastRows).set(columns);
      repeat(f, columns, () => {
        advance(f, last, 4);
        listSeen();
        allChannels();
        f.get(last).get(lastPlaces).i32(2).op("i32.shl", "i32.add").set(last);
      });
      f.get(outer).get(outerPlaces).i32(2).op("i32.shl", "i32.add").set(outer);
    });
    advance(f, unit, 1);
  });

  /** Lists what the window sees. */
  function listSeen(): void {
    f.get(list).set(to).i32(0).set(count).get(outer).set(p).get(outerPlaces).set(n);
    repeat(f, n, () => {
      f.get(last).set(q).get(lastPlaces).set(m);
      repeat(f, m, () => {
        f.get(p).mem("i32.load").get(q).mem("i32.load").op("i32.add").tee(sum).i32(0).op("i32.ge_s");
        f.if(() => {
          f.get(to).get(sum).mem("i32.store");
          advance(f, to, 4);
          advance(f, count, 1);
        });
        advance(f, q, 4);
      });
      advance(f, p, 4);
    });
  }

  function allChannels(): void {
    const step = (bytes: number, access: Access): void => {
      body({ f, ...cursors, list, count, access });
      for (const name of ["lhs", "rhs", "out"] as const) advance(f, cursors[name], bytes);
    };
    for (const name of ["lhs", "rhs", "out"] as const) f.get(pointers[name]).set(cursors[name]);
    f.get(channels).i32(2).op("i32.shr_u").set(n);
    repeat(f, n, () => {
      step(16, { load: () => f.mem("v128.load", 0, 2), store: () => f.mem("v128.store", 0, 2) });
    });
    f.get(channels).i32(3).op("i32.and").set(n);
    repeat(f, n, () => {
      step(4, { load: () => f.mem("v128.load32_splat"), store: () => f.memLane("v128.store32_lane", 0) });
    });
    f.get(cursors[byWindow]).set(pointers[byWindow]);
  }
  return f;
}
