/**
 * The laws of `checkpoint` on random programs: for every policy the same bits, what may be kept, and that a policy that saves more recomputes less.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import { jaxprsOf, type Jaxpr } from "../../src/core/jaxpr.ts";
import {
  checkpoint,
  checkpointPolicies,
  fwdBwd,
  grad,
  jit,
  jvp,
  type NDArray,
  np,
  savedResiduals,
  valueAndGrad,
  vmap,
  type Policy,
} from "../../src/index.ts";
import { expectClose } from "../remat/checkGrads.ts";
import { numbersOf, savePrimitives } from "../remat/measure.ts";
import { drawProgram, NAMES, type Vector } from "./programs.ts";
import { Sample } from "./sample.ts";

const policies: readonly (readonly [string, Policy | null])[] = [
  ["null", null],
  ["nothing", checkpointPolicies.nothingSaveable],
  ["everything", checkpointPolicies.everythingSaveable],
  ["dots", checkpointPolicies.dotsSaveable],
  ["dots without batch", checkpointPolicies.dotsWithNoBatchDimsSaveable],
  ["one name", checkpointPolicies.saveOnlyTheseNames(NAMES[0])],
  ["all names", checkpointPolicies.saveOnlyTheseNames(...NAMES)],
  ["no name but one", checkpointPolicies.saveAnyNamesButThese(NAMES[0])],
  ["two policies", checkpointPolicies.saveFromBothPolicies(checkpointPolicies.dotsSaveable, savePrimitives("cos"))],
  ["cosines", savePrimitives("cos")],
  [
    "offloading",
    checkpointPolicies.saveAndOffloadOnlyTheseNames({
      namesWhichCanBeSaved: [NAMES[0]],
      namesWhichCanBeOffloaded: [NAMES[1]],
      offloadSrc: "device",
      offloadDst: "pinned_host",
    }),
  ],
];

interface Case {
  /** The program without any checkpoint. */
  readonly plain: Vector;
  /** The program with its own checkpoints, of random policies. */
  readonly own: Vector;
  readonly x: NDArray;
  readonly w: NDArray;
}

function draw(seed: number): Case {
  const program = (wrap: Parameters<typeof drawProgram>[2]): Vector => drawProgram(new Sample(seed), 2, wrap);
  const s = new Sample(seed + 1);
  const f32 = (x: NDArray): NDArray => x.astype("float32");
  return {
    plain: program((f) => f),
    own: program((f, choice) => checkpoint(f, { policy: policies[choice % policies.length][1] })),
    x: f32(s.floats([3], -1, 1)),
    w: f32(s.floats([3, 3], -0.6, 0.6)),
  };
}

const forAll = (numRuns: number, property: (c: Case) => void): void => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      property(draw(seed));
    }),
    { seed: 4_711, numRuns, endOnFailure: true, includeErrorInReport: true },
  );
};

const loss =
  (f: Vector) =>
  (x: NDArray, w: NDArray): NDArray =>
    np.sum(f(x, w));
const derivative = (f: Vector): ((x: NDArray, w: NDArray) => [NDArray, NDArray[]]) =>
  valueAndGrad(loss(f), { argnums: [0, 1] });

describe.each(policies)("policy: %s", (_, policy) => {
  test("value and gradient have the bits of the program without checkpoint", () => {
    forAll(10, ({ plain, own, x, w }) => {
      // the program with checkpoints inside sums the cotangents of a region first: another order than that of the program without
      for (const f of [plain, own]) {
        expect(numbersOf(derivative(checkpoint(f, { policy }))(x, w))).toEqual(numbersOf(derivative(f)(x, w)));
      }
      expect(numbersOf(own(x, w))).toEqual(numbersOf(plain(x, w)));
    });
  });

  test("programs are well typed, and the two that are printed compute the derivative", () => {
    forAll(6, ({ own, x, w }) => {
      const { fwd, bwd } = fwdBwd(checkpoint(own, { policy }), x, w);
      check(fwd);
      check(bwd);
    });
  });

  test("forward mode, vectorization and second derivatives are those of the program without checkpoint", () => {
    forAll(3, ({ plain, own, x, w }) => {
      const f = checkpoint(own, { policy });
      const t = [np.multiply(x, 0.3), np.multiply(w, -0.7)];
      const same = (what: string, run: (g: Vector) => unknown): void => {
        expectClose(numbersOf(run(f)), numbersOf(run(plain)), 2e-4, what);
      };
      same("jvp", (g) => jvp(g, [x, w], t));
      const xs = np.stack([x, np.flip(x), np.multiply(x, 0.5)]);
      same("vmap", (g) => vmap(g, { inAxes: [0, null] })(xs, w));
      same("vmap of grad", (g) => vmap(grad(loss(g)), { inAxes: [0, null] })(xs, w));
      same("grad of grad", (g) => grad((x: NDArray, w: NDArray) => np.sum(np.sin(grad(loss(g))(x, w))))(x, w));
      same("jit of grad", (g) => jit(grad(loss(g)))(x, w));
    });
  });
});

describe("what is kept", () => {
  test("nothing but arguments and constants if nothing may be saved", () => {
    forAll(30, ({ plain, own, x, w }) => {
      for (const f of [plain, own]) {
        const kinds = savedResiduals(checkpoint(f), x, w).map((r) => r.kind);
        expect(kinds.filter((k) => k !== "argument" && k !== "constant" && k !== "literal")).toEqual([]);
      }
    });
  });

  test("only named values if only names may be saved", () => {
    const policy = checkpointPolicies.saveOnlyTheseNames(...NAMES);
    forAll(20, ({ plain, x, w }) => {
      for (const r of savedResiduals(checkpoint(plain, { policy }), x, w)) {
        // a named value inside of a call comes out of the call
        expect(["argument", "constant", "literal", "named", "jit", "output"]).toContain(r.kind);
        if (r.kind === "output") expect(["scan", "cond", "closed_call"]).toContain(r.name);
      }
    });
  });
});

/** How many equations a program evaluates that are no calls: loops count for each step, and branches with all they hold. */
function work(jaxpr: Jaxpr): number {
  return jaxpr.eqns.reduce((sum, { primitive, params }) => {
    const inside = [...jaxprsOf(params)];
    const isCall = inside.length > 0 && primitive.name !== "reduce" && !primitive.name.startsWith("scatter");
    if (!isCall) return sum + (isCopy(primitive.name) ? 0 : 1);
    const steps = primitive.name === "scan" ? (params.length as number) : 1;
    return sum + steps * inside.reduce((n, inner) => n + work(inner), 0);
  }, 0);
}
const isCopy = (name: string): boolean =>
  ["device_put", "reduce_precision", "name", "broadcast_in_dim", "empty2"].includes(name);

describe("what is recomputed", () => {
  // each policy saves all that the one before it saves
  const chain: readonly Policy[] = [
    checkpointPolicies.nothingSaveable,
    checkpointPolicies.saveOnlyTheseNames(NAMES[0]),
    checkpointPolicies.saveOnlyTheseNames(...NAMES),
    checkpointPolicies.saveFromBothPolicies(
      checkpointPolicies.saveOnlyTheseNames(...NAMES),
      checkpointPolicies.dotsSaveable,
    ),
    checkpointPolicies.everythingSaveable,
  ];

  test("a policy that saves more makes no backward pass longer", () => {
    forAll(20, ({ plain, x, w }) => {
      const lengths = chain.map((policy) => work(fwdBwd(checkpoint(plain, { policy }), x, w).bwd));
      for (let i = 1; i < lengths.length; i++)
        expect(lengths[i], `after policy ${i}: ${lengths.join()}`).toBeLessThanOrEqual(lengths[i - 1]);
    });
  });

  test("nothing if everything is saved: the backward pass is that of the program without checkpoint", () => {
    forAll(20, ({ plain, x, w }) => {
      const everything = checkpoint(plain, { policy: checkpointPolicies.everythingSaveable });
      expect(work(fwdBwd(everything, x, w).bwd)).toBeLessThanOrEqual(work(fwdBwd(plain, x, w).bwd));
    });
  });

  test("the forward pass is as long as the program itself", () => {
    forAll(20, ({ plain, x, w }) => {
      expect(work(fwdBwd(checkpoint(plain), x, w).fwd)).toBeLessThanOrEqual(work(fwdBwd(plain, x, w).fwd));
    });
  });
});
