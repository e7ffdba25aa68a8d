/** Policies out of policies: what they answer, how answers of several kinds join, how they print, and that none of them changes a bit. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  jit,
  makeJaxpr,
  type NDArray,
  np,
  Offloadable,
  Compressible,
  Recompute,
  RematTypeError,
  RematValueError,
  PolicyError,
  Saveable,
  savedResiduals,
  vmap,
  type Policy,
  type PolicyAnswer,
} from "../../src/index.ts";
import { numbersOf } from "../remat/measure.ts";

const { or, and, not, bySize, byFlopsPerByte, saveNames, dotsSaveable, everythingSaveable, nothingSaveable } =
  checkpointPolicies;

/** A block with names, products, a call and a softmax. */
function block(w: NDArray, x: NDArray): NDArray {
  const h = checkpointName(np.dot(x, w), "layer0/attn");
  const s = np.exp(h.sub(np.max(h, { axis: 1, keepdims: true })));
  const p = checkpointName(s.div(np.sum(s, { axis: 1, keepdims: true })), "layer0/mlp/attn");
  return np.sum(jit((y: NDArray) => np.sin(y).mul(y))(checkpointName(np.tanh(np.dot(p, w)), "layer1/attn")));
}
const w = np.reshape(np.linspace(-1, 1, 1024), [32, 32]);
const x = np.reshape(np.linspace(0, 2, 128), [4, 32]);

const kept = (policy: Policy): string[] =>
  savedResiduals(checkpoint(block, { policy }), w, x)
    .filter((r) => r.kind !== "argument")
    .map((r) => `${String(r.aval)} ${r.name ?? ""}`);

describe("answers join by how much they keep", () => {
  const off = new Offloadable("device", "pinned_host");
  const small = new Compressible("bf16");
  const says =
    (answer: PolicyAnswer): Policy =>
    () =>
      answer;
  const ask = (p: Policy): PolicyAnswer => p({ name: "sin", type: (a) => a }, [], {});
  test.each<[string, Policy, PolicyAnswer]>([
    ["or of false and true", or(says(false), says(true)), Saveable],
    ["or of false and an offload", or(says(false), says(off)), off],
    ["or of an offload and true", or(says(off), says(true)), Saveable],
    ["or of two of one rank", or(says(small), says(off)), small],
    ["and of true and an offload", and(says(true), says(off)), off],
    ["and of an offload and false", and(says(off), says(false)), Recompute],
    ["and of true and true", and(says(true), says(Saveable)), Saveable],
    ["not of true", not(says(true)), Recompute],
    ["not of false", not(says(Recompute)), Saveable],
    ["not of an offload", not(says(off)), Recompute],
  ])("%s", (_, policy, expected) => {
    expect(ask(policy)).toBe(expected);
  });

  test("as Boolean algebra", () => {
    const answer = fc.constantFrom<PolicyAnswer>(true, false);
    fc.assert(
      fc.property(answer, answer, answer, (a, b, c) => {
        const [p, q, r] = [says(a), says(b), says(c)];
        expect(ask(not(or(p, q)))).toBe(ask(and(not(p), not(q))));
        expect(ask(and(p, or(q, r)))).toBe(ask(or(and(p, q), and(p, r))));
        expect(ask(or(p, q))).toBe(ask(or(q, p)));
      }),
    );
  });
});

describe("what is kept", () => {
  test.each<[string, Policy, string[]]>([
    ["nothing", nothingSaveable, []],
    [
      "small values",
      bySize({ under: 16 }),
      [
        "f32[4,1] reshape",
        "f32[4] reduce_sum",
        "f32[4,1] broadcast_in_dim",
        "f32[4,1] broadcast_in_dim",
        "f32[4,1] integer_pow",
      ],
    ],
    ["small values that aren't", and(bySize({ under: 16 }), nothingSaveable), []],
    ["names one level deep", saveNames("layer*/attn"), ["f32[4,32] layer0/attn", "f32[4,32] layer1/attn"]],
    [
      "names at any level",
      saveNames("**/attn"),
      ["layer0/attn", "layer0/mlp/attn", "layer1/attn"].map((n) => `f32[4,32] ${n}`),
    ],
    ["dear values", byFlopsPerByte({ over: 16 }), ["f32[4,32] dot_general", "f32[4,32] dot_general"]],
    ["products", dotsSaveable, ["f32[4,32] dot_general", "f32[4,32] dot_general"]],
    [
      "products and a name",
      or(dotsSaveable, saveNames("layer1/*")),
      ["dot_general", "dot_general", "layer1/attn"].map((n) => `f32[4,32] ${n}`),
    ],
    ["everything but what is big", not(bySize({ over: "1KiB" })), kept(everythingSaveable)],
  ])("%s", (_, policy, expected) => {
    expect(kept(policy)).toEqual(expected);
  });
});

describe("no bit changes", () => {
  const f = (policy: Policy | null) => (a: NDArray, b: NDArray) =>
    grad(policy === null ? block : checkpoint(block, { policy }), { argnums: [0, 1] })(a, b);
  const expected = numbersOf(f(null)(w, x));
  const policies: Policy[] = [
    bySize({ under: 64 }),
    byFlopsPerByte({ under: 4 }),
    saveNames("layer?/*"),
    or(dotsSaveable, bySize({ under: "16 B" })),
    and(not(dotsSaveable), byFlopsPerByte({ over: 1 })),
    not(everythingSaveable),
    checkpointPolicies.minCut(),
    or(checkpointPolicies.minCut({ flopsPerByte: 1 }), saveNames("**")),
  ];
  test.each(policies.map((p) => [String(p.printed), p] as const))("%s", (_, policy) => {
    expect(numbersOf(f(policy)(w, x))).toEqual(expected);
    expect(numbersOf(jit(f(policy))(w, x))).toEqual(numbersOf(jit(f(null))(w, x)));
    const batch = np.stack([x, x.mul(2)]);
    const over = { inAxes: [null, 0] as const };
    expect(numbersOf(vmap(f(policy), over)(w, batch))).toEqual(numbersOf(vmap(f(null), over)(w, batch)));
  });
});

test("they print as they are written", () => {
  const policy = or(
    and(dotsSaveable, not(bySize({ over: "4KiB" }))),
    saveNames("layer*/attn", "x"),
    byFlopsPerByte({ under: 2.5, over: 1 }),
  );
  expect(String(makeJaxpr(checkpoint((y: NDArray) => np.sin(y), { policy }))(x))).toContain(
    "policy=or(and(DotsSaveable(only_if_no_batch_dims=False), not(bySize(over=4096))), saveNames('layer*/attn', 'x'), " +
      "byFlopsPerByte(under=2.5, over=1))",
  );
});

test.each<[() => unknown, new (...args: never[]) => Error, string]>([
  [() => or(), PolicyError, "at least one"],
  [() => and(true as never), RematTypeError, "each must be a function; got true"],
  [() => not("dots" as never), RematTypeError, "each must be a function; got 'dots'"],
  [() => bySize({ under: "4 elephants" }), RematValueError, 'text such as "4KiB"'],
  [() => bySize({ under: -1 }), RematValueError, "isn't negative"],
  [() => bySize({}), RematTypeError, "one of them at least"],
  [() => bySize({ below: 3 } as never), RematTypeError, "got the keys [below]"],
  [() => byFlopsPerByte({ over: "8" as never }), RematValueError, "flops for each byte"],
  [() => saveNames(3 as never), RematTypeError, "must be a string"],
])("%s is refused", (make, error, message) => {
  expect(make).toThrow(error);
  expect(make).toThrow(message);
});
