/** Vector mathematics of the wasm engine: errors in units in the last place, and millions of elements a second on one core. */
import { erfInvSingle } from "../src/engines/js/erfInv.ts";
import { erf, erfc } from "../src/engines/js/special.ts";
import { unaryHost } from "../src/engines/wasm/code/host.ts";
import { vectorMath } from "../src/engines/wasm/math/index.ts";
import { onFloats, prepare, range, samples, ulpDistance } from "../tests/engines/math/kernel.ts";

const ELEMENTS = 4096;
const REPEATS = 200;
const ROUNDS = 15;

const exact: Readonly<Record<string, (x: number) => number>> = { ...unaryHost, erf, erfc, erf_inv: erfInvSingle };

/** Arguments that are in the domain, as a network would have them. */
const speedRange = (name: string): readonly [number, number] =>
  name === "acosh"
    ? [1, 10]
    : name === "log"
      ? [0.01, 10]
      : name.startsWith("a") || name === "erf_inv"
        ? [-0.99, 0.99]
        : [-4, 4];

function worstUlp(name: string, xs: Float32Array): number {
  const got = onFloats((c, [x]) => {
    vectorMath[name](c, x);
  }, xs);
  return got.reduce((max, v, i) => Math.max(max, ulpDistance(v, exact[name](xs[i]))), 0);
}

/** Elements per second of the best of some rounds. */
function speed(name: string): number {
  const { run } = prepare(
    (c, [x]) => {
      vectorMath[name](c, x);
    },
    [range(...speedRange(name), ELEMENTS)],
  );
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < REPEATS; i++) run();
    best = Math.min(best, performance.now() - start);
  }
  return (ELEMENTS * REPEATS) / (best / 1000);
}

export function benchMath(): void {
  console.log("function   max ulp   Gelem/s");
  for (const name of Object.keys(vectorMath)) {
    const ulp = Math.max(worstUlp(name, samples(1000)), worstUlp(name, range(...speedRange(name), 500_000)));
    console.log(`${name.padEnd(10)} ${ulp.toFixed(2).padStart(7)}   ${(speed(name) / 1e9).toFixed(3)}`);
  }
}
