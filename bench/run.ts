/** `npm run bench -- NAME`: runs a benchmark. Figures are ratios within one run; the machine should be idle otherwise. */
import { benchGemm } from "./gemm.ts";
import { benchMath } from "./math.ts";
import { benchTrace } from "./trace.ts";

const benches: Readonly<Record<string, () => unknown>> = {
  trace: () => benchTrace(),
  gemm: benchGemm,
  math: benchMath,
};

const names = process.argv.slice(2);
const wanted = names.length > 0 ? names : Object.keys(benches);
for (const name of wanted) {
  if (!(name in benches)) {
    console.error(`there is no benchmark '${name}'; there are: ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    break;
  }
  benches[name]();
}
