/** Policies as data and as Python text: there and back. The Python texts were run by JAX 0.10.2, which makes the same policies of them. */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  type NDArray,
  np,
  policyFromJSON,
  PolicyError,
  policyToJSON,
  policyToPython,
  savedResiduals,
  type Policy,
} from "../../src/index.ts";

const p = checkpointPolicies;
const memories = { offloadSrc: "device", offloadDst: "pinned_host" };
const all: readonly Policy[] = [
  p.everythingSaveable,
  p.nothingSaveable,
  p.dotsSaveable,
  p.dotsWithNoBatchDimsSaveable,
  p.offloadDotWithNoBatchDims("device", "pinned_host"),
  p.saveAnyNamesButThese("a"),
  p.saveOnlyTheseNames("a", "b"),
  p.saveAnythingExceptTheseNames("a"),
  p.saveFromBothPolicies(p.dotsSaveable, p.saveOnlyTheseNames("a")),
  p.saveAndOffloadOnlyTheseNames({ namesWhichCanBeSaved: ["a"], namesWhichCanBeOffloaded: ["b"], ...memories }),
  p.or(p.dotsSaveable, p.bySize({ under: "4KiB", over: 16 })),
  p.and(p.not(p.saveNames("layer*/a", "?")), p.byFlopsPerByte({ over: 2 })),
  p.saveAndCompressOnlyTheseNames({ names: ["a"], to: "int8" }),
  p.minCut(),
  p.minCut({ flopsPerByte: 2 }),
];

const f = (x: NDArray): NDArray =>
  np.sum(np.sin(checkpointName(np.tanh(np.dot(x, checkpointName(np.sin(x), "a"))), "b")));
const x = np.ones([16, 16]);

test.each(all.map((policy) => [JSON.stringify(policy), policy] as const))("%s, there and back", (text, policy) => {
  const back = policyFromJSON(text);
  expect(policyToJSON(back)).toEqual(policyToJSON(policy));
  expect(policyFromJSON(policyToJSON(policy)).printed).toBe(policy.printed);
  const kept = (q: Policy): string[] =>
    savedResiduals(checkpoint(f, { policy: q }), x).map((r) => `${String(r.aval)} ${String(r.name)}`);
  expect(kept(back)).toEqual(kept(policy));
});

test("constants come back as themselves", () => {
  expect(policyFromJSON({ policy: "dotsSaveable" })).toBe(p.dotsSaveable);
});

describe("what is no policy is refused", () => {
  const own: Policy = (primitive) => primitive.name === "sin";
  test.each<[() => unknown, string]>([
    [() => policyToJSON(own), "a function of your own can't be written as JSON"],
    [() => policyToJSON(p.or(p.dotsSaveable, own)), "a function of your own"],
    [() => policyToJSON(null as never), "takes a policy; got null"],
    [() => policyFromJSON({ policy: "dotsSavable" }), "Did you mean 'dotsSaveable'?"],
    [() => policyFromJSON({ policy: "toString" }), "there is none of that name"],
    [() => policyFromJSON("{"), "text that is no JSON"],
    [() => policyFromJSON(3), "takes what policyToJSON gives"],
    [() => policyFromJSON({ policy: "bySize" }), "one of them at least"],
    [() => policyToPython(p.minCut()), "JAX has no words for it"],
  ])("%s", (run, message) => {
    expect(run).toThrow(PolicyErrorOrType(message));
  });
  function PolicyErrorOrType(message: string): RegExp {
    return new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  }
  test("by an error of policies", () => {
    expect(() => policyToJSON(own)).toThrow(PolicyError);
  });
});

const PYTHON: readonly (readonly [Policy, string])[] = [
  [p.dotsWithNoBatchDimsSaveable, "dots_with_no_batch_dims_saveable"],
  [p.saveOnlyTheseNames("a", "b"), 'save_only_these_names("a", "b")'],
  [p.saveAnyNamesButThese("a"), 'save_any_names_but_these("a")'],
  [p.saveNames("layer*/attn"), 'save_only_these_names("layer0/attn", "layer1/attn")'],
  [p.offloadDotWithNoBatchDims("device", "pinned_host"), 'offload_dot_with_no_batch_dims("device", "pinned_host")'],
  [
    p.saveAndOffloadOnlyTheseNames({ namesWhichCanBeSaved: ["a"], namesWhichCanBeOffloaded: ["b"], ...memories }),
    'save_and_offload_only_these_names(names_which_can_be_saved=["a"], names_which_can_be_offloaded=["b"], ' +
      'offload_src="device", offload_dst="pinned_host")',
  ],
  [
    p.or(p.dotsSaveable, p.saveOnlyTheseNames("a")),
    'save_from_both_policies(jax.checkpoint_policies.dots_saveable, jax.checkpoint_policies.save_only_these_names("a"))',
  ],
];

test.each(PYTHON)("%s as Python", (policy, python) => {
  const names = ["layer0/attn", "layer0/mlp/attn", "layer1/attn", "other"];
  expect(policyToPython(policy, names)).toBe(`jax.checkpoint_policies.${python}`);
});
