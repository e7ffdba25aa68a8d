/** Functions under maps whose axes have names. */
import {
  checkpoint,
  customJvp,
  customVjp,
  float,
  grad,
  jit,
  lax,
  np,
  random,
  vmap,
  type NDArray,
} from "../../src/index.ts";
import type { Case } from "./cases.ts";

type Unary = (a: NDArray) => unknown;
const i = (f: Unary): Case => vmap<Unary>(f, { axisName: "i" });
const ij = (f: Unary): Case => vmap<Unary>(vmap<Unary>(f, { axisName: "j" }), { axisName: "i" });
const ring = [
  [0, 1],
  [1, 2],
  [2, 0],
] as const;

const shared = customJvp(function shared(a: NDArray) {
  return lax.psum(a, "i").mul(a);
});
shared.defjvps((t: NDArray, _out: NDArray, a: NDArray) => t.mul(lax.psum(a, "i")));

const pulled = customVjp(function pulled(a: NDArray) {
  return lax.pmean(np.sin(a), "i");
});
pulled.defvjp(
  (a: NDArray) => [pulled(a), a],
  (a: NDArray, ct: NDArray) => [lax.pmean(ct, "i").mul(np.cos(a))],
);

export const axisNames: Readonly<Record<string, Case>> = {
  psum: i((a) => lax.psum(a, "i")),
  "psum product": i((a) => a.div(lax.psum(np.sin(a), "i"))),
  "psum tree": i((a) => lax.psum([a, a.mul(2), float(2), 3], "i")),
  "psum booleans": i((a) => lax.psum(a.greater(1), "i")),
  "psum unmapped": (a, b) => i((x) => x.mul(lax.psum(b, "i")))(a),
  "psum places": i((a) => lax.psum(a.mul(a), ["i", 0])),
  "psum out": vmap((a: NDArray) => lax.psum(a, "i"), { axisName: "i", outAxes: null }),
  "psum second axis": vmap((a: NDArray) => lax.psum(a, "i").mul(a), { axisName: "i", inAxes: 1 }),
  pmean: i((a) => a.sub(lax.pmean(a, "i"))),
  "pmean both": ij((a) => a.sub(lax.pmean(a, ["i", "j"]))),
  "pmean outer": ij((a) => a.mul(lax.pmean(a, "i"))),
  "pmean inner": ij((a) => a.mul(lax.pmean(a, "j"))),
  pmax: i((a) => a.sub(lax.stopGradient(lax.pmax(a, "i")))),
  pmin: i((a) => lax.pmin(a, "i")),
  "pmax both": ij((a) => lax.pmax(a, ["i", "j"])),
  "axis index": i((a) => a.mul(lax.axisIndex("i"))),
  "axis index alone": (a) => vmap(() => lax.axisIndex("i"), { axisName: "i", axisSize: 4 })().add(a.at(0).get()),
  "axis index both": ij((a) => a.add(lax.axisIndex(["i", "j"]))),
  "axis size": ij((a) => a.mul(lax.axisSize("i")).add(lax.axisSize(["i", "j"]))),
  "keys by index": i((a) => a.add(random.uniform(random.foldIn(random.key(0), lax.axisIndex("i"))))),
  "all gather": i((a) => np.sin(lax.allGather(np.sin(a), "i"))),
  "all gather axis": i((a) => lax.allGather(a, "i", { axis: -1 })),
  "all gather tiled": i((a) => lax.allGather(a, "i", { tiled: true })),
  "all gather outer": ij((a) => lax.allGather(a, "i", { axis: 1 })),
  "all gather inner tiled": ij((a) => lax.allGather(a, "j", { axis: 1, tiled: true })),
  "all gather unmapped": i((a) => a.mul(lax.allGather(np.ones(2), "i"))),
  ppermute: i((a) => np.sin(lax.ppermute(np.sin(a), "i", ring))),
  pshuffle: ij((a) => a.mul(lax.pshuffle(a, "i", [1, 2, 0]))),
  "psum scatter": i((a) => lax.psumScatter(np.sin(a), "i")),
  "psum scatter tiled": i((a) => lax.psumScatter(a, "i", { tiled: true })),
  "psum scatter inner": ij((a) => lax.psumScatter(a, "j", { scatterDimension: 1 })),
  "psum scatter unmapped": i((a) => lax.psumScatter(np.ones(3), "i").add(np.getitem(a, 0))),
  "all to all": i((a) => lax.allToAll(a, "i", 0, 0)),
  "all to all later": i((a) => lax.allToAll(a, "i", 0, 1)),
  "all to all tiled": i((a) => lax.allToAll(a, "i", 0, 1, { tiled: true })),
  "all to all outer": ij((a) => lax.allToAll(a, "i", 0, 1)),
  "all to all both": ij((a) => lax.allToAll(a, ["i", "j"], 0, 0, { tiled: true })),
  pswapaxes: i((a) => lax.pswapaxes(a, "i", 0)),
  "in jit": i(jit((a: NDArray) => lax.psum(np.sin(a), "i").add(lax.axisIndex("i")))),
  "in checkpoint": i(checkpoint((a: NDArray) => lax.psum(np.sin(a), "i").mul(a))),
  "in scan": i((a) => lax.scan((c: NDArray, t: NDArray) => [c.add(lax.psum(np.sin(t), "i")), c] as const, float(0), a)),
  "in cond": (a) =>
    i((x) =>
      lax.cond(
        true,
        (b: NDArray) => lax.psum(b, "i"),
        (b: NDArray) => b,
        x,
      ),
    )(a),
  "in cond batched": i((a) =>
    lax.cond(
      np.getitem(a, 0).greater(1),
      (b: NDArray) => lax.psum(b, "i"),
      (b: NDArray) => b,
      a,
    ),
  ),
  "in fori": i((a) => lax.foriLoop(0, 3, (_: NDArray, c: NDArray) => lax.pmean(c, "i").add(c), a)),
  "in custom jvp": i(shared),
  "in custom vjp": i(pulled),
  "grad inside": i(grad((a: NDArray) => np.sum(lax.psum(np.sin(a), "i").mul(a)))),
  "grad inside mean": i(grad((a: NDArray) => np.sum(lax.pmean(np.sin(a), "i")))),
  "grad inside gather": i(grad((a: NDArray) => np.sum(lax.allGather(np.sin(a), "i")))),
  "grad inside permute": i(grad((a: NDArray) => np.sum(np.sin(lax.ppermute(np.sin(a), "i", ring))))),
  "grad inside scatter": i(grad((a: NDArray) => lax.psumScatter(np.sin(a), "i"))),
  "grad inside checkpoint": i(grad(checkpoint((a: NDArray) => np.sum(lax.psum(np.sin(a), "i"))))),
  standardized: i((a) => {
    const centred = a.sub(lax.pmean(a, "i"));
    const variance = lax.pmean(a.mul(a), "i").sub(lax.pmean(a, "i").pow(2)).add(1e-3);
    return centred.mul(lax.rsqrt(variance));
  }),
};
