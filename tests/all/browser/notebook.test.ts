/**
 * JAX's notebook about `jax.checkpoint` in a browser: the same programs, residuals and derivatives as JAX's, and places that point into
 * the user's file, although a development server gave it.
 */
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  fwdBwd,
  makeJaxpr,
  np,
  savedResiduals,
  vjp,
  type NDArray,
} from "../../../src/index.ts";
import corpus from "../../corpus/notebook.jsonl?raw";

type Layers = (W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray) => NDArray;

function g(W: NDArray, x: NDArray): NDArray {
  const y = np.dot(W, x);
  return np.sin(y);
}

function f(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = g(W1, x);
  x = g(W2, x);
  x = g(W3, x);
  return x;
}

function f2(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = checkpoint(g)(W1, x);
  x = checkpoint(g)(W2, x);
  x = checkpoint(g)(W3, x);
  return x;
}

const f3 = checkpoint(f, { policy: checkpointPolicies.dotsWithNoBatchDimsSaveable });

function f4(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = checkpointName(g(W1, x), "a");
  x = checkpointName(g(W2, x), "b");
  x = checkpointName(g(W3, x), "c");
  return x;
}

const programs: Readonly<Record<string, Layers>> = {
  f,
  f2,
  f3,
  f4: checkpoint(f4, { policy: checkpointPolicies.saveOnlyTheseNames("a") }),
  f_checkpoint: checkpoint(f),
};

interface Data {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Wanted {
  readonly jaxpr: string;
  readonly fwd: string;
  readonly bwd: string;
  readonly table: string;
  readonly residuals: readonly { readonly text: string }[];
  readonly out: Data;
  readonly vjp: { readonly cotangents: Data; readonly results: readonly Data[] };
}
interface Case {
  readonly name: string;
  readonly inputs: readonly Data[];
  readonly expect: Wanted;
}

const cases = corpus
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);
const arrayOf = ({ shape, data }: Data): NDArray => np.array(data, "float32").reshape(shape);
const flat = (x: NDArray): readonly number[] => x.ravel().toJS() as readonly number[];

function expectClose(got: NDArray, wanted: Data): void {
  expect(got.shape).toEqual(wanted.shape);
  flat(got).forEach((value, i) => {
    const target = wanted.data[i];
    expect(Math.abs(value - target)).toBeLessThanOrEqual(1e-6 + 2e-5 * Math.abs(target));
  });
}

describe.each(Object.entries(programs))("%s", (name, program) => {
  const { inputs, expect: wanted } = cases.find((c) => c.name === `notebook/${name}`)!;
  const args = inputs.map(arrayOf) as unknown as Parameters<Layers>;

  test("programs", () => {
    expect(String(makeJaxpr(program)(...args))).toBe(wanted.jaxpr);
    const { fwd, bwd } = fwdBwd(program, ...args);
    expect(String(fwd)).toBe(wanted.fwd);
    expect(String(bwd)).toBe(wanted.bwd);
    expect(fwdBwd(program, ...args).table()).toBe(wanted.table);
  });

  test("residuals, with places in this file", () => {
    const residuals = savedResiduals(program, ...args);
    const place = / (\S+):\d+(?::\d+)? \(/;
    expect(residuals.map((r) => r.text.replace(place, " <loc> ("))).toEqual(wanted.residuals.map((r) => r.text));
    for (const { source } of residuals) {
      if (source === null) continue;
      expect(source.file).toMatch(/^\/\S*tests\/all\/browser\/notebook\.test\.ts$/);
      // Lines are those of the file that the server made of this one.
      expect(source.line).toBeGreaterThan(1);
    }
    expect(residuals.some((r) => r.source !== null)).toBe(wanted.residuals.some((r) => r.text.includes("<loc>")));
  });

  test("values and derivatives", () => {
    const [out, pull] = vjp(program, ...args);
    expectClose(out, wanted.out);
    const gradients = pull(arrayOf(wanted.vjp.cotangents)) as readonly NDArray[];
    expect(gradients).toHaveLength(4);
    gradients.forEach((gradient, i) => expectClose(gradient, wanted.vjp.results[i]));
  });
});
