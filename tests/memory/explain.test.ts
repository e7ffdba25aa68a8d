/** What `explain` says of checkpoints, policies and names that do nothing, and of those that do something. */
import { describe, expect, test, vi } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  explain,
  grad,
  jit,
  lax,
  memory,
  np,
  printExplain,
  stopGradient,
  valueAndGrad,
  type NDArray,
  type Policy,
  setEngine,
} from "../../src/index.ts";

import { rangesText } from "../../src/explain/idle.ts";

// Only an engine that compiles knows its peak.
setEngine("wasm");

const x = np.ones([512, 64]);
const weights = Array.from({ length: 6 }, () => np.eye(64));
const layer = (w: NDArray, h: NDArray): NDArray =>
  np.tanh(np.matmul(np.tanh(np.matmul(np.tanh(np.matmul(h, w)), w)), w));
const kinds = (findings: readonly { readonly kind: string }[]): string[] => findings.map((f) => f.kind);

const chain =
  (wrap: (i: number) => boolean, policy: Policy | null = null) =>
  (ws: readonly NDArray[], h: NDArray): NDArray => {
    ws.forEach((w, i) => {
      h = wrap(i) ? checkpoint(layer, { policy })(w, h) : layer(w, h);
    });
    return np.sum(h);
  };

describe("checkpoints", () => {
  test("those that lower the peak are not spoken of", () => {
    expect(
      explain(
        chain((i) => i < 5),
        weights,
        x,
      ),
    ).toEqual([]);
    expect(explain(grad(chain((i) => i < 5)), weights, x)).toEqual([]);
  });

  test("the last stage", () => {
    const f = chain(() => true);
    const [finding, ...rest] = explain(f, weights, x);
    expect(rest).toEqual([]);
    expect(finding.kind).toBe("lastStage");
    expect(finding.message).toContain("call 6 of 6");
    expect(finding.place).toMatch(/explain\.test\.ts:\d+/);
    const peak = (wrap: (i: number) => boolean): number =>
      memory(valueAndGrad(chain(wrap), { argnums: [0, 1] }) as never, weights as never, x as never).peak;
    expect(finding.bytes).toBe(peak(() => true) - peak((i) => i < 5));
    expect(kinds(explain(grad(f), weights, x))).toEqual(["lastStage"]);
    expect(kinds(explain(jit(grad(f)), weights, x))).toEqual(["lastStage"]);
  });

  test("the whole function", () => {
    const f = checkpoint(chain(() => false));
    expect(kinds(explain(f, weights, x))).toEqual(["wholeFunction"]);
    expect(kinds(explain(grad(f), weights, x))).toEqual(["wholeFunction"]);
  });

  test("a policy that saves everything", () => {
    const f = chain((i) => i === 0, checkpointPolicies.everythingSaveable);
    expect(kinds(explain(f, weights, x))).toEqual(["savesEverything"]);
    expect(
      kinds(
        explain(
          chain(
            (i) => i === 0,
            () => true,
          ),
          weights,
          x,
        ),
      ),
    ).toEqual(["savesEverything"]);
  });

  test("calls on one line are told together", () => {
    const f = chain(() => true, checkpointPolicies.everythingSaveable);
    const [finding, ...rest] = explain(f, weights, x);
    expect(rest).toEqual([]);
    expect(finding.message).toMatch(
      /^none of the 6 calls of this checkpoint lowers the peak of .*: the policy saves everything/,
    );
    const some = chain(
      (i) => i < 4,
      (primitive) => primitive.name !== "none",
    );
    expect(explain(some, weights, x).map((e) => e.message)).toEqual([expect.stringMatching(/^none of the 4 calls/)]);
  });

  test("calls that can be left out together, and no others", () => {
    const wide = checkpoint((v: NDArray) => np.sin(np.sin(np.tanh(np.tanh(np.tile(v, [1, 6]))))));
    const f =
      (left: ReadonlySet<number>) =>
      (ws: readonly NDArray[], h: NDArray): NDArray => {
        // The peak comes in the backward pass of this, when the layers are done with.
        h = np.sum(np.reshape(wide(h), [512, 6, 64]), { axis: 1 });
        ws.forEach((w, i) => {
          h = left.has(i) ? layer(w, h) : checkpoint(layer)(w, h);
        });
        return np.sum(h);
      };
    const peak = (left: ReadonlySet<number>): number =>
      memory(valueAndGrad(f(left), { argnums: [0, 1] }) as never, weights as never, x as never).peak;
    const findings = explain(f(new Set()), weights, x);
    expect(kinds(findings)).toEqual(["peakElsewhere", "lastStage"]);
    expect(findings[0].message).toContain("4 of the 6 calls of this checkpoint (2 to 5) do not lower");
    expect(findings[1].message).toContain("(call 6 of 6) does not lower");
    const whole = peak(new Set());
    expect(peak(new Set([1, 2, 3, 4]))).toBe(whole - (findings[0].bytes ?? NaN));
    expect(peak(new Set([1, 2, 3, 4, 5]))).toBeLessThanOrEqual(whole);
    expect(peak(new Set([0, 1, 2, 3, 4, 5]))).toBeGreaterThan(whole);
  });

  test("a policy that keeps as much as no checkpoint would", () => {
    const plain = (w: NDArray, h: NDArray): NDArray => np.sin(np.matmul(h, w));
    const f = (policy: Policy | null) => (ws: readonly NDArray[], h: NDArray) => {
      for (const w of ws) h = checkpoint(plain, { policy })(w, h);
      return np.sum(np.square(h));
    };
    const [finding, ...rest] = explain(f(checkpointPolicies.dotsSaveable), weights, x);
    expect(rest).toEqual([]);
    expect(finding.kind).toBe("keepsAsMuch");
    expect(finding.message).toContain(
      "the policy keeps 128.00 KiB of what is inside, and without a checkpoint 128.00 KiB would",
    );
    const linear = checkpoint((w: NDArray, h: NDArray) => np.matmul(h, w));
    const g = (ws: readonly NDArray[], h: NDArray) => {
      for (const w of ws) h = np.sin(linear(w, h));
      return np.sum(np.square(h));
    };
    expect(explain(g, weights, x)[0].message).toContain("needs no more of it than its arguments and its result");
  });

  test("a peak that lies elsewhere", () => {
    const small = checkpoint((v: NDArray) => np.tanh(np.tanh(np.tanh(v))));
    const f = (v: NDArray, h: NDArray): NDArray => {
      const scale = np.sum(np.sort(np.sort(stopGradient(h), { axis: 0 }), { axis: 1 }));
      return np.sum(np.square(small(v))).mul(scale);
    };
    const [finding, ...rest] = explain(f, np.ones([4]), x);
    expect(rest).toEqual([]);
    expect(finding.kind).toBe("peakElsewhere");
    expect(finding.message).toMatch(/at sort from .*explain\.test\.ts:\d+/);
  });

  test("a jitted layer that is called several times is one checkpoint of a function, and several of its gradient", () => {
    const same = jit(checkpoint((h: NDArray) => np.tanh(np.tanh(h))));
    const f = (h: NDArray): NDArray => np.sum(same(same(same(h))));
    const [finding, ...rest] = explain(f, x);
    expect(rest).toEqual([]);
    expect(finding.kind).toBe("peakInside");
    expect(finding.place).toMatch(/explain\.test\.ts:\d+/);
    const last = explain(grad(f), x).find((e) => e.kind === "lastStage");
    expect(last?.message).toContain("call 3 of 3");
  });

  test("what nothing differentiates", () => {
    const scale = checkpoint((n: NDArray) => np.cos(n));
    const f = (h: NDArray): NDArray => np.sum(np.sin(h).mul(scale(np.ones([512, 64]))));
    expect(kinds(explain(f, x))).toEqual(["notDifferentiated"]);
    const forward = checkpoint((h: NDArray) => np.sin(np.sin(h)));
    expect(explain((h: NDArray) => forward(h), x)[0].message).toContain("Give explain a loss");
  });

  test("around a scan and around its body", () => {
    const step = (h: NDArray, w: NDArray): [NDArray, null] => [layer(w, h), null];
    const ws = np.stack(weights);
    const run = (body: typeof step, h: NDArray): NDArray => lax.scan(body, h, ws as never)[0];
    const around = checkpoint((h: NDArray) => run(step, h));
    expect(kinds(explain((h: NDArray) => np.sum(np.square(around(h))), x))).toContain("aroundScan");
    expect(kinds(explain((h: NDArray) => np.sum(np.square(run(checkpoint(step), h))), x))).toEqual([]);
  });
});

describe("names", () => {
  const named = (policy: Policy | null) => (h: NDArray) => {
    const f = checkpoint((v: NDArray) => np.sin(checkpointName(np.sin(np.sin(v)), "hidden")), { policy });
    return np.sum(np.sin(np.sin(np.sin(f(h)))));
  };
  const about = (f: (h: NDArray) => NDArray): string[] =>
    kinds(explain(f, x)).filter((k) => ["savesNothing", "unknownName", "unusedName"].includes(k));

  test("fit", () => {
    expect(about(named(checkpointPolicies.saveOnlyTheseNames("hidden")))).toEqual([]);
    expect(about(named(checkpointPolicies.saveNames("hid*")))).toEqual([]);
    expect(about(named(checkpointPolicies.saveAnyNamesButThese("hidden")))).toEqual(["savesNothing"]);
  });

  test("that no value has, with the one that was meant", () => {
    const f = named(checkpointPolicies.saveOnlyTheseNames("hiden"));
    expect(about(f)).toEqual(["savesNothing", "unknownName"]);
    expect(explain(f, x).find((e) => e.kind === "unknownName")?.message).toContain("Did you mean 'hidden'?");
    expect(about(named(checkpointPolicies.saveNames("layer*")))).toEqual(["savesNothing", "unknownName", "unusedName"]);
    const both = checkpointPolicies.or(
      checkpointPolicies.dotsSaveable,
      checkpointPolicies.saveOnlyTheseNames("hidden"),
    );
    expect(about(named(both))).toEqual([]);
  });

  test("that no policy mentions", () => {
    expect(about(named(null))).toEqual(["unusedName"]);
    expect(about(named(checkpointPolicies.dotsSaveable))).toEqual(["savesNothing", "unusedName"]);
    const nothing = explain(named(checkpointPolicies.dotsSaveable), x).find((e) => e.kind === "savesNothing");
    expect(nothing?.message).toContain("Inside are sin, and the name 'hidden'.");
  });

  test("of values outside of the checkpoint", () => {
    const inner = checkpoint((v: NDArray) => np.sin(np.sin(v)), {
      policy: checkpointPolicies.saveOnlyTheseNames("out"),
    });
    const f = (h: NDArray): NDArray => np.sum(np.sin(checkpointName(inner(h), "out")));
    expect(about(f)).toEqual(["savesNothing", "unusedName"]);
    expect(explain(f, x).find((e) => e.kind === "unusedName")?.message).toContain("outside");
  });
});

test("printExplain prints places and messages", () => {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    printExplain((h: NDArray) => np.sum(h), x);
    printExplain(checkpoint(chain(() => false)), weights, x);
  } finally {
    log.mockRestore();
  }
  expect(lines[0]).toContain("nothing to say");
  expect(lines[1]).toMatch(/explain\.test\.ts:\d+.*: this checkpoint does not lower the peak of .*whole function/);
});

test.each([
  [[3], "3"],
  [[1, 2], "1 and 2"],
  [[1, 2, 3, 5, 7, 8, 9], "1 to 3, 5 and 7 to 9"],
])("numbers in words: %j", (numbers, text) => {
  expect(rangesText(numbers)).toBe(text);
});
