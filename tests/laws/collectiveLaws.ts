/** The laws of operations along axes that have names, each under the map that names one. */
import { lax, np, vmap, type NDArray } from "../../src/index.ts";
import type { Law } from "./law.ts";
import type { Sample } from "./sample.ts";

const SLICES = 3;
const LINEAR = { smooth: [0], linear: [[0]] } as const;

/** A function of one slice, mapped over an axis "i" of three. */
const mapped = (
  f: (x: NDArray) => NDArray,
  options: Omit<Law, "draw"> = LINEAR,
  shape: (s: Sample) => readonly number[] = (s) => s.shape(0, 2),
): Law => ({
  ...options,
  draw: (s) => ({
    f: (x) => [vmap(f, { axisName: "i" })(x)],
    args: [s.distinct([SLICES, ...shape(s)])],
  }),
});

const square = (s: Sample): readonly number[] => [SLICES, s.int(1, 3)];
const ring = [
  [0, 1],
  [1, 2],
  [2, 0],
] as const;

export const collectiveLaws = {
  psum: mapped((x) => lax.psum(x, "i")),
  pmax: mapped((x) => lax.pmax(x, "i"), {}),
  pmin: mapped((x) => lax.pmin(x, "i"), {}),
  axis_index: mapped((x) => np.multiply(x, lax.axisIndex("i"))),
  ppermute: mapped((x) => lax.ppermute(x, "i", ring)),
  pbroadcast: mapped((x) => lax.pbroadcast(x, "i", 1)),
  all_gather: mapped((x) => lax.allGather(x, "i")),
  reduce_scatter: mapped((x) => lax.psumScatter(x, "i"), LINEAR, square),
  all_to_all: mapped((x) => lax.allToAll(x, "i", 0, 1), LINEAR, square),
} as const satisfies Readonly<Record<string, Law>>;
