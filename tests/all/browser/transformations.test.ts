/** Transformations in a browser: a network in a scan, jitted, checkpointed, mapped, and differentiated twice. */
import { expect, test } from "vitest";
import {
  checkpoint,
  ConcretizationTypeError,
  grad,
  hessian,
  jit,
  lax,
  np,
  random,
  vmap,
  type NDArray,
} from "../../../src/index.ts";

const values = (x: NDArray): readonly number[] => x.ravel().toJS() as readonly number[];

const step = (x: NDArray, W: NDArray): readonly [NDArray, NDArray] => {
  const y = np.tanh(np.dot(W, x));
  return [y, np.sum(y)];
};
const run =
  (layer: typeof step) =>
  (Ws: NDArray, x: NDArray): NDArray => {
    const [last, sums] = lax.scan(layer, x, Ws);
    return np.sum(np.square(last)).add(np.mean(sums));
  };
const Ws = random.normal(random.key(0), [6, 4, 4]);
const x = random.normal(random.key(1), [4]);
const plain = grad(run(step))(Ws, x);

test("random numbers are JAX's", () => {
  expect(values(random.normal(random.key(0), [3])).map((v) => v.toFixed(5))).toEqual([
    "1.62264",
    "2.02526",
    "-0.43359",
  ]);
});

test.each<[string, (Ws: NDArray, x: NDArray) => NDArray]>([
  ["jit", grad(jit(run(step)))],
  ["jit of the derivative", jit(grad(run(step)))],
  ["checkpointed steps", grad(run(checkpoint(step)))],
  ["everything at once", jit(grad(checkpoint(jit(run(checkpoint(step))))))],
])("%s: the derivative has the same bits", (_, derivative) => {
  expect(values(derivative(Ws, x))).toEqual(values(plain));
});

test("the derivative is the slope", () => {
  const at = (h: number): number => Number(run(step)(Ws.at(0, 0, 0).add(h), x).item());
  expect(Number(plain.get(0, 0, 0).item())).toBeCloseTo((at(1e-2) - at(-1e-2)) / 2e-2, 3);
});

test("vmap is a stack of single calls", () => {
  const xs = random.normal(random.key(2), [3, 4]);
  const f = run(checkpoint(step));
  const one = [0, 1, 2].map((i) => Number(f(Ws, xs.get(i)).item()));
  values(vmap(f, { inAxes: [null, 0] })(Ws, xs)).forEach((v, i) => expect(v).toBeCloseTo(one[i], 5));
});

test("hessian", () => {
  const f = checkpoint((x: NDArray) => np.sum(np.sin(x).mul(x)));
  const h = hessian(f)(np.array([0.5, 1]));
  const second = (t: number): number => 2 * Math.cos(t) - t * Math.sin(t);
  [second(0.5), 0, 0, second(1)].forEach((v, i) => expect(values(h)[i]).toBeCloseTo(v, 5));
});

test("an if on a traced value says where it stands", () => {
  const f = jit((x: NDArray) => (Number(x) > 0 ? x : x.neg()));
  expect(() => f(np.array(1))).toThrow(ConcretizationTypeError);
});
