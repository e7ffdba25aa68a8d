/**
 * How fast programs are made: tracing the gradient of a deep MLP (tracing, linearizing, transposing; nothing is computed), with and without a
 * checkpoint around each layer. Real JAX runs the same program beside it, if Python and JAX are installed.
 */
import { execFileSync } from "node:child_process";
import { checkpoint, grad, makeJaxpr, np, type ClosedJaxpr, type NDArray } from "../src/index.ts";
import { jaxprsOf, type Jaxpr } from "../src/core/jaxpr.ts";

const WIDTH = 64;
const BATCH = 32;
const REPEATS = 3;

interface Row {
  readonly layers: number;
  readonly checkpointed: boolean;
  readonly equations: number;
  readonly milliseconds: number;
  readonly jax: number | null;
}

const layer = (x: NDArray, w: NDArray): NDArray => np.tanh(np.matmul(x, w));

function gradientProgram(layers: number, checkpointed: boolean): () => ClosedJaxpr<NDArray> {
  const apply = checkpointed ? checkpoint(layer) : layer;
  const loss = (ws: readonly NDArray[], x: NDArray): NDArray => {
    for (const w of ws) x = apply(x, w);
    return np.sum(x);
  };
  const ws = Array.from({ length: layers }, () => np.zeros([WIDTH, WIDTH]));
  const x = np.zeros([BATCH, WIDTH]);
  return () => makeJaxpr(grad(loss))(ws, x);
}

function equationsIn(jaxpr: Jaxpr): number {
  let n = jaxpr.eqns.length;
  for (const eqn of jaxpr.eqns) for (const inner of jaxprsOf(eqn.params)) n += equationsIn(inner);
  return n;
}

function measure(layers: number, checkpointed: boolean): { milliseconds: number; equations: number } {
  const times: number[] = [];
  let equations = 0;
  for (let i = 0; i < REPEATS; i++) {
    const run = gradientProgram(layers, checkpointed);
    const start = performance.now();
    const program = run();
    times.push(performance.now() - start);
    equations = equationsIn(program.jaxpr);
  }
  return { milliseconds: Math.min(...times), equations };
}

const JAX = `
import json, sys, time
import jax, jax.numpy as jnp
def measure(layers, checkpointed):
    best = None
    for _ in range(2):
        def layer(x, w): return jnp.tanh(x @ w)
        apply = jax.checkpoint(layer) if checkpointed else layer
        def loss(ws, x):
            for w in ws: x = apply(x, w)
            return jnp.sum(x)
        ws = [jnp.zeros((${WIDTH}, ${WIDTH}))] * 1
        ws = [jnp.zeros((${WIDTH}, ${WIDTH})) for _ in range(layers)]
        x = jnp.zeros((${BATCH}, ${WIDTH}))
        t = time.perf_counter(); jax.make_jaxpr(jax.grad(loss))(ws, x); dt = (time.perf_counter() - t) * 1e3
        best = dt if best is None else min(best, dt)
    return best
print(json.dumps([measure(n, c) for n, c in json.loads(sys.argv[1])]))
`;

/** JAX's times for the same programs, or null for each if it is not installed. */
function measureJax(cases: readonly (readonly [number, boolean])[]): (number | null)[] {
  const python = process.env.PYTHON ?? "python3";
  try {
    const out = execFileSync(python, ["-c", JAX, JSON.stringify(cases)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return JSON.parse(out) as number[];
  } catch {
    console.log(`(real JAX is not measured: ${python} cannot import it; set PYTHON to one that can)`);
    return cases.map(() => null);
  }
}

/** Prints one line for each depth, and checks that time grows linearly with it. */
export function benchTrace(depths: readonly number[] = [50, 500, 2000, 10_000], jaxDepths = 2000): Row[] {
  const cases = depths.flatMap((n) => [[n, false] as const, [n, true] as const]);
  measure(200, false);
  measure(200, true);
  const jax = new Map<string, number | null>();
  const small = cases.filter(([n]) => n <= jaxDepths);
  measureJax(small).forEach((t, i) => jax.set(small[i].join(), t));
  const rows = cases.map(([layers, checkpointed]): Row => {
    const result = measure(layers, checkpointed);
    return { layers, checkpointed, ...result, jax: jax.get([layers, checkpointed].join()) ?? null };
  });
  console.log("trace + linearize + transpose of an MLP's gradient (width 64, batch 32), nothing computed\n");
  console.log(
    ["layers", "checkpoint", "equations", "ms", "equations/s", "JAX ms", "JAX / ours"]
      .map((s) => s.padStart(12))
      .join(""),
  );
  for (const row of rows) {
    const cells = [
      String(row.layers),
      row.checkpointed ? "per layer" : "none",
      String(row.equations),
      row.milliseconds.toFixed(1),
      Math.round((row.equations / row.milliseconds) * 1000).toLocaleString("en"),
      row.jax === null ? "-" : row.jax.toFixed(0),
      row.jax === null ? "-" : (row.jax / row.milliseconds).toFixed(1),
    ];
    console.log(cells.map((s) => s.padStart(12)).join(""));
  }
  return rows;
}
