/** Functions by their rarer options. */
import { lax, np, type NDArray } from "../../src/index.ts";
import type { Case } from "./cases.ts";

const inverted = { method: "inverted_cdf" } as const;

export const options: Readonly<Record<string, Case>> = {
  "linspace step": (a, b) => np.linspace(a, b, 5, { retstep: true }),
  "linspace step open": (a, b) => np.linspace(a, b, 4, { endpoint: false, retstep: true }),
  "linspace step of one": (a, b) => np.linspace(a, b, { num: 1, retstep: true }),
  "average returned": (a) => np.average(a, { returned: true }),
  "average returned axis": (a) => np.average(a, 1, { returned: true }),
  "average returned weights": (a, b) => np.average(a, { axis: 1, weights: b, returned: true }),
  "map in batches": (a) => lax.map((x: NDArray) => np.sin(x).mul(x), a, { batchSize: 2 }),
  "map in even batches": (a) => lax.map((x: NDArray) => [np.sum(x), np.sin(x)] as const, a, { batchSize: 2 }),
  "map in one batch": (a) => lax.map((x: NDArray) => np.sin(x), a, { batchSize: 8 }),
  "map in all": (a) => lax.map((x: NDArray) => np.sin(x), a, { batchSize: 0 }),
  "cov fweights": (a, f) => np.cov(a, { fweights: f }),
  "cov aweights": (a, b) => np.cov(a, { aweights: b }),
  "cov both weights": (a, f, b) => np.cov(a, { fweights: f, aweights: b }),
  "cov aweights ddof": (a, b) => np.cov(a, { aweights: b, ddof: 0 }),
  "quantile inverted": (a) => np.quantile(a, 0.4, inverted),
  "quantile weights": (a, b) => np.quantile(a, 0.4, { weights: b, ...inverted }),
  "quantile weights axis": (a, b) => np.quantile(a, 0.4, 1, { weights: b, ...inverted }),
  "quantile weights levels": (a, b, c) => np.quantile(a, c, 0, { weights: b, ...inverted }),
  "quantile weights of an axis": (a, b) => np.quantile(a, 0.4, 1, { weights: b, ...inverted }),
  "quantile weights kept": (a, b, c) => np.quantile(a, c, 1, { weights: b, ...inverted, keepdims: true }),
  "nanquantile weights": (a, b) => np.nanquantile(a, 0.4, 1, { weights: b, ...inverted }),
  "percentile weights": (a, b) => np.percentile(a, 40, 1, { weights: b, ...inverted }),
  "conv transpose consistent": (a, k) =>
    lax.convTranspose(a, k, [2], [[1, 0]], { dimensionNumbers: ["NCW", "IOW", "NCW"], useConsistentPadding: true }),
  "svd hermitian": (a) => np.linalg.svd(a, { hermitian: true }),
  "svd hermitian values": (a) => np.linalg.svd(a, { hermitian: true, computeUv: false }),
};
