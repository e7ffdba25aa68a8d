/** The laws of operations that hold programs: calls, loops, branches, custom rules. They are called through the functions of the library. */
import {
  checkpoint,
  checkpointPolicies,
  customJvp,
  customRemat,
  customVjp,
  jit,
  jvp,
  lax,
  makeJaxpr,
  np,
  type NDArray,
  type Primitive,
} from "../../src/index.ts";
import { primitives } from "../../src/primitives/index.ts";
import { call, type Instance, type Law } from "./law.ts";
import type { Sample } from "./sample.ts";

const p = primitives as unknown as Readonly<Record<string, Primitive>>;
const one =
  (f: (...xs: NDArray[]) => NDArray): Instance["f"] =>
  (...xs) => [f(...xs)];
const body = (x: NDArray, y: NDArray): NDArray => np.sin(np.multiply(x, y)).add(x);
const pair = (s: Sample): NDArray[] => {
  const shape = s.shape();
  return [s.floats(shape), s.floats(shape)];
};
const both = (f: (x: NDArray, y: NDArray) => NDArray, options: Omit<Law, "draw"> = {}): Law => ({
  smooth: [0, 1],
  ...options,
  draw: (s) => ({ f: one(f), args: pair(s) }),
});

const forward = customJvp((x: NDArray, y: NDArray) => body(x, y));
forward.defjvp(([x, y]: [NDArray, NDArray], [s, t]: [NDArray, NDArray]) => {
  const slope = np.cos(np.multiply(x, y));
  return [forward(x, y), slope.mul(y).add(1).mul(s).add(slope.mul(x).mul(t))];
});

const reverse = customVjp((x: NDArray, y: NDArray) => body(x, y));
reverse.defvjp(
  (x: NDArray, y: NDArray) => [reverse(x, y), [x, y]],
  ([x, y]: [NDArray, NDArray], ct: NDArray) => {
    const slope = np.cos(np.multiply(x, y));
    return [slope.mul(y).add(1).mul(ct), slope.mul(x).mul(ct)];
  },
);

const own = customRemat(
  (x: NDArray, y: NDArray) => body(x, y),
  (_policy, x: NDArray, y: NDArray) => [body(x, y), np.cos(np.multiply(x, y))],
  (cos: NDArray, x: NDArray, y: NDArray) => [body(x, y), [cos, x, y]],
  ([cos, x, y]: NDArray[], ct: NDArray) => [cos.mul(y).add(1).mul(ct), cos.mul(x).mul(ct)],
);

export const callLaws = {
  jit: both(jit(body)),
  closed_call: {
    smooth: [0, 1],
    draw(s) {
      const args = pair(s);
      return {
        f: (...xs) => call(p.closed_call, { call_jaxpr: makeJaxpr(body)(...(args as [NDArray, NDArray])) })(...xs),
        args,
      };
    },
  },
  // It has no batching rule, and so its operand is not handed to the laws.
  composite: {
    draw(s) {
      const x = s.floats([3]);
      return { f: (y) => [np.multiply(y, lax.composite((z: NDArray) => np.sin(z), "sine")(x))], args: [s.floats([3])] };
    },
  },
  remat2: both(checkpoint(body, { policy: checkpointPolicies.dotsSaveable })),
  custom_jvp_call: both(jit(forward)),
  custom_vjp_call: both(jit(reverse), { modes: ["rev"] }),
  custom_remat: both(checkpoint(own)),
  custom_remat_jvp: both(jit((x: NDArray, y: NDArray) => jvp(own, [x, y], [y, x])[1])),
  custom_lin: both(reverse, { modes: ["rev"] }),
  cond: {
    smooth: [1, 2],
    draw(s) {
      const args = pair(s);
      return {
        f: one((i, x, y) =>
          lax.switchBranches(i, [body, (x: NDArray, y: NDArray) => np.exp(x).mul(y), (x: NDArray) => x], x, y),
        ),
        args: [s.ints([], -1, 3), ...args],
      };
    },
  },
  scan: {
    smooth: [0, 1, 2],
    draw(s) {
      const reverse = s.flag();
      return {
        f: (w, c, xs) => lax.scan((c: NDArray, x: NDArray) => [np.sin(c.mul(w).add(x)), c.mul(x)], c, xs, { reverse }),
        args: [s.floats([]), s.floats([2]), s.floats([s.int(1, 3), 2])],
      };
    },
  },
  while: {
    smooth: [1],
    modes: ["fwd"],
    draw: (s) => ({
      f: one(
        (n, x) =>
          lax.whileLoop(
            (c: readonly [NDArray, NDArray]) => np.less(c[0], n),
            (c: readonly [NDArray, NDArray]) => [c[0].add(1), np.sin(c[1]).mul(1.5)],
            [np.zerosLike(n), x] as const,
          )[1],
      ),
      args: [s.ints([], 0, 3), s.floats(s.shape())],
    }),
  },
} as const satisfies Readonly<Record<string, Law>>;
