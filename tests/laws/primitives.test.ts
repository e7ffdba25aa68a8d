/**
 * The laws that every primitive obeys. Each has a row in a table (`elementwiseLaws`, `structuralLaws` and so on) that says where its operands are
 * drawn; a primitive without a row does not compile, and a record that is not in the registry fails a test.
 */
import fc from "fast-check";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "../../src/core/check.ts";
import { isInexact } from "../../src/core/dtype.ts";
import {
  checkpoint,
  checkpointPolicies,
  enableX64,
  fwdBwd,
  jit,
  jvp,
  linearTranspose,
  makeJaxpr,
  NDArray,
  np,
  vjp,
  vmap,
  type Policy,
} from "../../src/index.ts";
import { dce } from "../../src/passes/dce.ts";
import { partialEval } from "../../src/passes/partialEval.ts";
import { primitives, registry, type PrimitiveName } from "../../src/primitives/index.ts";
import { checkGrads, expectClose, noise, randomLike } from "../remat/checkGrads.ts";
import { numbersOf } from "../remat/measure.ts";
import { callLaws } from "./callLaws.ts";
import { collectiveLaws } from "./collectiveLaws.ts";
import { elementwiseLaws } from "./elementwiseLaws.ts";
import type { Instance, Law } from "./law.ts";
import { linalgLaws } from "./linalgLaws.ts";
import { randomLaws } from "./randomLaws.ts";
import { Sample } from "./sample.ts";
import { structuralLaws } from "./structuralLaws.ts";
import { windowLaws } from "./windowLaws.ts";

const laws: Readonly<Record<PrimitiveName, Law>> = {
  ...elementwiseLaws,
  ...structuralLaws,
  ...windowLaws,
  ...randomLaws,
  ...linalgLaws,
  ...callLaws,
  ...collectiveLaws,
};

beforeAll(() => {
  enableX64(true);
});
afterAll(() => {
  enableX64(false);
});

const RUNS = 4;
const forAll = (law: Law, property: (instance: Instance, s: Sample) => void): void => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const s = new Sample(seed);
      property(law.draw(s), s);
    }),
    { seed: 20_260_101, numRuns: RUNS, endOnFailure: true, includeErrorInReport: true },
  );
};

describe("the registry", () => {
  test("has every record under its own name", () => {
    for (const [name, primitive] of Object.entries(primitives)) expect(primitive.name).toBe(name);
    expect(registry).toHaveLength(new Set(registry).size);
  });

  test("is complete", async () => {
    const folder = join(import.meta.dirname, "../../src/primitives");
    const files = readdirSync(folder).filter((file) => file !== "index.ts");
    const records = new Set<unknown>(registry);
    for (const file of files) {
      const module = (await import(join(folder, file))) as Record<string, unknown>;
      for (const [key, value] of Object.entries(module)) {
        const isRecord =
          typeof value === "object" &&
          value !== null &&
          "name" in value &&
          "type" in value &&
          typeof value.type === "function";
        if (isRecord && !records.has(value)) expect.fail(`${key} of ${file} is not in the registry`);
      }
    }
  });

  test("has a law for each", () => {
    expect(Object.keys(laws).sort()).toEqual(Object.keys(primitives).sort());
  });
});

/** The function of the smooth operands alone, with the floating-point results alone. */
function restrict(
  { f, args }: Instance,
  which: readonly number[],
): { f: (...xs: NDArray[]) => NDArray[]; args: NDArray[] } {
  return {
    f(...xs) {
      const all = [...args];
      which.forEach((at, i) => (all[at] = xs[i]));
      return arraysOf(f(...all)).filter((y) => isInexact(y.dtype));
    },
    args: which.map((i) => args[i]),
  };
}

/** The results of a call, out of whatever containers they come in. */
const arraysOf = (xs: unknown): NDArray[] =>
  xs instanceof NDArray ? [xs] : (xs as readonly unknown[]).flatMap(arraysOf);

const names = Object.keys(laws) as PrimitiveName[];
const inner = (xs: readonly NDArray[], ys: readonly NDArray[]): number => {
  const [a, b] = [numbersOf(xs), numbersOf(ys)];
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
};

describe("derivatives are those of differences, in every order of modes", () => {
  test.each(names.filter((n) => laws[n].smooth !== undefined))("%s", (name) => {
    const law = laws[name];
    forAll(law, (instance) => {
      const { f, args } = restrict(instance, law.smooth ?? []);
      const { modes = ["fwd", "rev"], tolerance = 2e-5, step = 1e-4 } = law;
      checkGrads(f, args, { order: 3, modes, tolerance, step });
    });
  });

  test.each(names.filter((n) => laws[n].stopsGradients))("%s has none", (name) => {
    forAll(laws[name], ({ f, args }) => {
      const [, t] = jvp((x: NDArray) => f(x)[0], [args[0]], [np.onesLike(args[0])]);
      expect(numbersOf(t).every((v) => v === 0)).toBe(true);
    });
  });

  test.each(
    names.filter((n) => laws[n].smooth === undefined && (primitives[n] as { jvp?: unknown }).jvp !== undefined),
  )("%s: pushing tangents changes no value", (name) => {
    forAll(laws[name], ({ f, args }) => {
      const floats = args.flatMap((x, i) => (isInexact(x.dtype) ? [i] : []));
      const g = (...xs: NDArray[]): NDArray[] => {
        const all = [...args];
        floats.forEach((at, i) => (all[at] = xs[i]));
        return arraysOf(f(...all));
      };
      const primals = floats.map((i) => args[i]);
      const [values] = jvp(
        g,
        primals,
        primals.map((x) => np.onesLike(x)),
      );
      expect(numbersOf(values)).toEqual(numbersOf(f(...args)));
    });
  });
});

describe("the transpose of a linear operation", () => {
  const linear = names.flatMap((n) => (laws[n].linear ?? []).map((set) => [n, set] as const));

  test.each(linear)("%s, by operands %j", (name, set) => {
    const law = laws[name];
    forAll(law, (instance) => {
      const { f, args } = restrict(instance, set);
      const value = f(...args);
      const next = noise(7);
      const cts = value.map((y) => randomLike(y, next));
      const transpose = linearTranspose(f, ...args) as unknown as (cts: readonly NDArray[]) => NDArray[];
      const back = transpose(cts);
      // without an offset that the other operands bring
      const zero = f(...args.map((x) => np.zerosLike(x)));
      const part = value.map((y, i) => y.sub(zero[i]));
      expectClose([inner(back, args)], [inner(cts, part)], law.tolerance ?? 1e-9, `<f'(ct), x> of ${name}`);
      const again = linearTranspose((...ys: NDArray[]) => transpose(ys), ...cts) as unknown as (
        xs: readonly NDArray[],
      ) => NDArray[];
      expectClose(
        numbersOf(again(args)),
        numbersOf(part),
        law.tolerance ?? 1e-9,
        `the transpose of the transpose of ${name}`,
      );
      expectClose(numbersOf(vjp(f, ...args)[1](cts)), numbersOf(back), 1e-12, `vjp of ${name}`);
    });
  });
});

/** Batches some of the operands along some axis: the batch, where the axes are, and the slices. */
function batched(
  args: readonly NDArray[],
  s: Sample,
): { batch: NDArray[]; dims: (number | null)[]; slices: NDArray[][] } {
  const mapped = args.map(() => s.flag());
  if (!mapped.includes(true)) mapped[s.int(0, args.length - 1)] = true;
  const slices: NDArray[][] = [[], [], []];
  const dims = args.map((x, i) => (mapped[i] ? s.int(0, x.ndim) : null));
  const batch = args.map((x, i) => {
    // scalars of a float would all be the same, and their slices could hide a wrong axis
    const other =
      x.ndim === 0 && x.dtype === "int32"
        ? np.subtract(x, 1).astype("int32")
        : np.reshape(np.flip(np.ravel(x)), x.shape);
    const own = mapped[i] ? [x, other, x] : [x, x, x];
    own.forEach((y, k) => slices[k].push(y));
    const dim = dims[i];
    return dim === null ? x : np.stack(own, dim);
  });
  return { batch, dims, slices };
}

describe("vmap is a stack of calls", () => {
  test.each(names.filter((n) => laws[n].notBatched === undefined))("%s", (name) => {
    const law = laws[name];
    forAll(law, ({ f, args }, s) => {
      if (args.length === 0) return;
      const { batch, dims, slices } = batched(args, s);
      const got = arraysOf(vmap((...xs: NDArray[]) => arraysOf(f(...xs)), { inAxes: dims })(...batch));
      const each = slices.map((xs) => arraysOf(f(...xs)));
      got.forEach((y, i) => {
        const wanted = np.stack(each.map((ys) => ys[i]));
        expect([y.dtype, ...y.shape]).toEqual([wanted.dtype, ...wanted.shape]);
        expectClose(
          numbersOf(y),
          numbersOf(wanted),
          1e-12,
          `output ${i} of ${name} mapped over ${JSON.stringify(dims)}`,
        );
      });
    });
  });
});

describe("jit changes no bit, nor any type", () => {
  test.each(names)("%s", (name) => {
    forAll(laws[name], ({ f, args }) => {
      const eager = arraysOf(f(...args));
      const jitted = arraysOf(jit((...xs: NDArray[]) => arraysOf(f(...xs)))(...args));
      expect(jitted.map((y) => y.aval.key)).toEqual(eager.map((y) => y.aval.key));
      expect(numbersOf(jitted)).toEqual(numbersOf(eager));
      expect(makeJaxpr((...xs: NDArray[]) => arraysOf(f(...xs)))(...args).outAvals.map((a) => a.key)).toEqual(
        eager.map((y) => y.aval.key),
      );
    });
  });
});

const policies: readonly Policy[] = [checkpointPolicies.nothingSaveable, checkpointPolicies.everythingSaveable];

describe("programs are well typed after every pass", () => {
  test.each(names)("%s", (name) => {
    const law = laws[name];
    forAll(law, (instance, s) => {
      const flat = (...xs: NDArray[]): NDArray[] => arraysOf(instance.f(...xs));
      const staged = makeJaxpr(flat)(...instance.args);
      check(staged);
      expect(String(staged)).toMatch(/^\{ lambda|^let /);
      if (instance.args.length > 0 && law.notBatched === undefined) {
        const { batch, dims } = batched(instance.args, s);
        check(makeJaxpr(vmap(flat, { inAxes: dims }))(...batch));
      }
      if (law.smooth === undefined) return;
      const { f, args } = restrict(instance, law.smooth);
      const tangents = args.map((x) => np.onesLike(x));
      if (law.modes?.includes("fwd") !== false) {
        const pushed = makeJaxpr((...xs: NDArray[]) => jvp(f, xs.slice(0, args.length), xs.slice(args.length)))(
          ...args,
          ...tangents,
        );
        check(pushed);
        const unknown = [...args.map(() => false), ...tangents.map(() => true)];
        const { jaxpr } = pushed;
        const available = jaxpr.invars.map(() => true);
        for (const policy of policies) {
          const parts = partialEval(jaxpr, unknown, available, false, true, policy);
          check(parts.known);
          check(parts.staged);
        }
        const used = jaxpr.outvars.map((_, i) => i % 2 === 0);
        check(dce(jaxpr, used).jaxpr);
      }
      if (law.modes?.includes("rev") === false) return;
      for (const g of [f, ...policies.map((policy) => checkpoint(f, { policy }))]) {
        const { fwd, bwd } = fwdBwd(g, ...args);
        check(fwd);
        check(bwd);
      }
    });
  });
});
