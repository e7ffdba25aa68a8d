/** Donated state: a step whose results take the places of its arguments computes what it computes without donation, for optimizers of all kinds. */
import { expect, test } from "vitest";
import { jit, memory, np, optim, random, setEngine, tree, valueAndGrad, type NDArray } from "../../src/index.ts";
import type { ConcreteArray } from "../../src/core/array.ts";

// Only an engine that compiles writes to the places of arguments.
setEngine("wasm");

const optimizers = {
  sgd: optim.sgd(0.1),
  momentum: optim.sgd(0.1, { momentum: 0.9, nesterov: true }),
  adam: optim.adam(0.01),
  adamw: optim.adamw(0.01),
  rmsprop: optim.rmsprop(0.01),
  lamb: optim.lamb(0.01),
};

test.each(Object.entries(optimizers))("a step of %s with donated state", (_name, optimizer) => {
  const batch = random.normal(random.key(7), [8, 6]);
  const loss = valueAndGrad((ws: readonly NDArray[], x: NDArray): NDArray => {
    for (const w of ws) x = np.sin(np.matmul(x, w));
    return np.sum(np.square(x));
  });
  const start = [1, 2, 3].map((k) => random.normal(random.key(k), [6, 6]));
  type State = readonly [params: NDArray[], state: ReturnType<typeof optimizer.init>];
  const update = ([params, state]: State, x: NDArray): [State, NDArray] => {
    const [value, gradient] = loss(params, x);
    const [changes, next] = optimizer.update(gradient, state as never, params);
    return [[optim.applyUpdates(params, changes), next], value];
  };
  const bitsAfter = (step: typeof update): unknown => {
    let state: State = [start, optimizer.init(start)];
    const values: NDArray[] = [];
    for (let i = 0; i < 5; i++) {
      const [next, value] = step(state, batch);
      state = next;
      values.push(value);
    }
    return tree.flatten([state, values]).leaves.map((x) => (x as ConcreteArray).data);
  };
  const donating = jit(update, { donateArgnums: 0 });
  expect(bitsAfter(donating)).toEqual(bitsAfter(jit(update)));
  const first: State = [start, optimizer.init(start)];
  expect(memory(donating, first, batch).peak).toBeLessThanOrEqual(memory(jit(update), first, batch).peak);
});
