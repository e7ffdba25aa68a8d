/**
 * Trains a model of this folder with Adam, within a memory budget if one is given:
 *
 *     node --conditions=@remat/source examples/models/train.ts GPT-4 --memory=60% --steps=20 --size=small
 *
 * The whole step, update included, is one compiled program; parameters and the optimizer's state are donated, so their new values take their old
 * places. What the step takes is printed before anything runs.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { jit, memory, optim, random, setEngine, valueAndGrad, type NDArray } from "../../src/index.ts";
import { formatBytes } from "../../src/plan/index.ts";
import { countOf, type Parameters, type Size } from "./model.ts";
import { models } from "./index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    memory: { type: "string" },
    steps: { type: "string", default: "10" },
    size: { type: "string", default: "small" },
  },
});
const model = models.find((m) => m.name.toLowerCase() === positionals[0]?.toLowerCase());
if (model === undefined || (values.size !== "small" && values.size !== "full")) {
  console.error(
    `train.ts NAME [--size=small|full] [--memory=AMOUNT] [--steps=N]: ${models.map((m) => m.name).join(", ")}`,
  );
  process.exit(2);
}

setEngine("wasm");
const size: Size = values.size;
const optimizer = optim.adam(3e-3);
const lossAndGradient = valueAndGrad(model.loss());

type Trained = readonly [params: Parameters, state: ReturnType<typeof optimizer.init>];

function update([params, state]: Trained, batch: Parameters): [Trained, NDArray] {
  const [loss, gradient] = lossAndGradient(params, batch);
  const [changes, next] = optimizer.update(gradient as never, state, params);
  return [[optim.applyUpdates(params as never, changes), next], loss];
}

const step = jit(update, { donateArgnums: 0, ...(values.memory === undefined ? {} : { memory: values.memory }) });
const batch = model.batch(random.key(1), size);
const params = model.init(random.key(0), size);
let trained: Trained = [params, optimizer.init(params)];

const { peak } = memory(step, trained, batch);
console.log(`${model.name}: ${String(countOf(params))} parameters, ${formatBytes(peak)} a step`);
for (let i = 0; i < Number(values.steps); i++) {
  const [next, loss] = step(trained, batch);
  trained = next;
  console.log(`step ${String(i + 1).padStart(3)}  loss ${Number(loss).toFixed(4)}`);
}
