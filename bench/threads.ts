/**
 * `npm run bench -- threads [--threads=2] [--only=W2,W6]`: how much faster several threads are than one. Both engines run in turns in one process. Times
 * are the least milliseconds on the clock; beside their ratio stands that of all processor time, which other jobs on the machine disturb less: with
 * several threads the time of the calling one or of all helpers, shared by their number, whichever is longer. (What threads wait for one another
 * within a program isn't in it, so it is what could be reached, and the clock on an idle machine tells what is.) Without `process.threadCpuUsage`
 * (Node 23.9) there is the clock alone.
 */
import { cpus, loadavg } from "node:os";
import process from "node:process";
import { createWasmEngine, grad, jit, np, setEngine, valueAndGrad, type NDArray } from "../src/index.ts";
import { W2, W5, W6 } from "./workloads/definition.ts";
import { convInputs, gptInputs, mlpInput, mlpParameters, oneHot, random } from "./workloads/inputs.ts";
import { convLoss, convRate, elementwise, gptLoss, mlpLoss, mlpRate } from "./workloads/models.ts";

const BUDGET = 4000;

type Call = () => unknown;

/** A step of gradient descent; its state goes from call to call. */
function training(
  loss: (p: NDArray[], a: NDArray, b: NDArray) => NDArray,
  rate: number | NDArray,
  parameters: NDArray[],
  args: readonly [NDArray, NDArray],
): Call {
  const step = jit((p: NDArray[], a: NDArray, b: NDArray): [NDArray[], NDArray] => {
    const [value, g] = valueAndGrad(loss)(p, a, b);
    return [p.map((w, i) => np.subtract(w, np.multiply(rate, g[i]))), value];
  });
  let p = parameters;
  return () => {
    [p] = step(p, ...args);
  };
}

/** Each makes a call of its own, for one engine. */
const workloads: Readonly<Record<string, Readonly<Record<string, () => Call>>>> = {
  W2: {
    step: () => training(mlpLoss, mlpRate, mlpParameters(), [mlpInput(), oneHot(W2.batch, 10, (i) => i % 10)]),
  },
  W3: Object.fromEntries(
    [false, true].map((checkpointed) => [
      checkpointed ? "step, checkpoint" : "step",
      () => {
        const { parameters, input, target, mask } = gptInputs();
        const step = jit(valueAndGrad(gptLoss(checkpointed)));
        return () => step(parameters, input, target, mask);
      },
    ]),
  ),
  W5: {
    gradient: () => {
      const x = random([W5.size], 500, 2);
      const gradient = jit(grad(elementwise));
      return () => gradient(x);
    },
  },
  W6: Object.fromEntries(
    W6.flatMap((n) =>
      [false, true].map((turned) => [
        `${turned ? "TN" : "NN"} ${String(n)}`,
        () => {
          const [a, b] = [random([n, n], 600), random([n, n], 601)];
          const f = jit((x: NDArray, y: NDArray) => np.matmul(turned ? np.transpose(x) : x, y));
          return () => f(a, b);
        },
      ]),
    ),
  ),
  W7: {
    step: () => {
      const { parameters, input, target } = convInputs();
      return training(convLoss, convRate, parameters, [input, target]);
    },
  },
};

const load = (): string =>
  loadavg()
    .map((x) => x.toFixed(1))
    .join(" ");

interface Times {
  readonly clock: number;
  /** Of the calling thread, and of all others. */
  readonly own: number;
  readonly others: number;
}

const milliseconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

function timed(call: Call): Times {
  const [start, all, mine] = [performance.now(), process.cpuUsage(), process.threadCpuUsage?.()];
  call();
  const own = mine === undefined ? NaN : milliseconds(process.threadCpuUsage(mine));
  return { own, others: milliseconds(process.cpuUsage(all)) - own, clock: performance.now() - start };
}

export async function benchThreads(flags: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
  const threads = Number(value("threads") ?? 2);
  const wanted = value("only")?.split(",") ?? Object.keys(workloads);
  const engines = [createWasmEngine(), createWasmEngine({ threads })];
  const before = load();
  console.log(`| workload | figure | 1 thread | ${String(threads)} threads | clock ratio | processor ratio |`);
  console.log("| --- | --- | ---: | ---: | ---: | ---: |");
  for (const name of wanted) {
    for (const [figure, make] of Object.entries(workloads[name])) {
      const calls = engines.map((engine) => {
        const call = make();
        return (): unknown => {
          setEngine(engine);
          return call();
        };
      });
      const clock = calls.map(() => Infinity);
      const [own, others] = [calls.map(() => 0), calls.map(() => 0)];
      const stop = performance.now() + BUDGET;
      for (let n = 0; n < 5 || performance.now() < stop; n++) {
        calls.forEach((call, i) => {
          const times = timed(call);
          // The first calls compile, and helpers start.
          if (n < 2) return;
          clock[i] = Math.min(clock[i], times.clock);
          own[i] += times.own;
          others[i] += times.others;
        });
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      const shown = clock.map((t) => `${t.toPrecision(3)} ms`).join(" | ");
      const busiest = Math.max(own[1], others[1] / (threads - 1));
      const ratios = [clock[0] / clock[1], own[0] / busiest].map((r) => r.toFixed(2)).join(" | ");
      console.log(`| ${name} | ${figure} | ${shown} | ${ratios} |`);
    }
  }
  setEngine("wasm");
  console.log(
    `${cpus()[0].model}, ${String(cpus().length)} cores, Node ${process.version}; load average before ${before}, after ${load()}`,
  );
}
