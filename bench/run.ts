/** `npm run bench -- NAME [--FLAG=VALUE]`: runs a benchmark. Figures are ratios within one run; the machine should be idle otherwise. */
import { benchGemm } from "./gemm.ts";
import { benchMath } from "./math.ts";
import { benchMemory } from "./memory.ts";
import { benchPlanner } from "./planner.ts";
import { benchThreads } from "./threads.ts";
import { benchTrace } from "./trace.ts";
import { benchWorkloads } from "./workloads.ts";

const flags = process.argv.slice(2).filter((text) => text.startsWith("--"));

const benches: Readonly<Record<string, () => unknown>> = {
  trace: () => benchTrace(),
  gemm: benchGemm,
  math: benchMath,
  planner: () => benchPlanner(flags),
  threads: () => benchThreads(flags),
  memory: () => benchMemory(flags),
  workloads: () => benchWorkloads(flags),
};

const names = process.argv.slice(2).filter((text) => !text.startsWith("--"));
const wanted = names.length > 0 ? names : Object.keys(benches);
for (const name of wanted) {
  if (!(name in benches)) {
    console.error(`there is no benchmark '${name}'; there are: ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    break;
  }
  await benches[name]();
}
