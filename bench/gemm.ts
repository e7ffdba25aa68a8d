/**
 * How fast the routines of the wasm engine are on one core: GFLOP/s of matrix products in all layouts, and of convolutions with their gradients,
 * in the exact mode and with fused multiply-add. A core of the machine at hand has some peak for vectors of 128 bits (45 GFLOP/s on Zen 4 at 2.85
 * GHz): compare with that.
 */
import { grad, lax, makeJaxpr, np, type NDArray } from "../src/index.ts";
import { sizeOf, type Shape } from "../src/core/aval.ts";
import { placeBlock, type RuntimeCall } from "../src/engines/wasm/runtime/arguments.ts";
import {
  conv,
  gemm,
  hasFused,
  reduceWindow,
  runtimeModule,
  selectAndScatter,
} from "../src/engines/wasm/runtime/index.ts";
import type { ConvParams } from "../src/primitives/conv.ts";

const MILLISECONDS = 150;
const memory = new WebAssembly.Memory({ initial: 2048, maximum: 65_536, shared: true });
const modes = hasFused() ? [false, true] : [false];
const instances = modes.map(
  (fast) => new WebAssembly.Instance(runtimeModule({ shared: true, fast }), { env: { memory } }).exports,
);

/** The shortest time of a call in milliseconds, in each mode. */
function measure(call: RuntimeCall, lhs: number, rhs: number, out: number): number[] {
  const places: number[] = [];
  let at = 64;
  for (const bytes of [call.block.byteLength, lhs, rhs, out, call.workspaceBytes]) {
    places.push(at);
    at = Math.ceil((at + bytes) / 64) * 64 + 64;
  }
  const missing = Math.ceil(at / 65_536) - memory.buffer.byteLength / 65_536;
  if (missing > 0) memory.grow(missing);
  const [block, left, right, result, workspace] = places;
  new Float32Array(memory.buffer, left, (result - left) / 4).fill(0.01);
  placeBlock(memory.buffer, block, call.block, { out: result, lhs: left, rhs: right, workspace });
  return instances.map((exports) => {
    const run = exports[call.routine] as (block: number, start: number, end: number) => void;
    let best = Infinity;
    const stop = performance.now() + MILLISECONDS;
    for (let n = 0, calls = 1; n < 5 || performance.now() < stop; n++) {
      const [start, used] = [performance.now(), process.cpuUsage()];
      for (let i = 0; i < calls; i++) run(block, 0, call.units);
      const { user, system } = process.cpuUsage(used);
      // On a busy machine the time on the processor is what would have passed on an idle one.
      const time = Math.min(performance.now() - start, (user + system) / 1e3) / calls;
      best = Math.min(best, time);
      calls = Math.max(1, Math.min(10_000, Math.round(0.5 / time)));
    }
    return best;
  });
}

function printRow(name: string, routine: string, flops: number, times: readonly number[]): void {
  const cells = times.map((t) => `${(flops / t / 1e6).toFixed(1).padStart(9)} ${(t * 1e3).toFixed(1).padStart(10)} us`);
  console.log(name.padEnd(40) + routine.padEnd(18) + cells.join(""));
}

function product(rows: number, sum: number, columns: number, layout = "NN", batch = 1): void {
  const call = gemm({
    ...{ type: "f32", rows, columns, sum },
    lhs: layout.startsWith("T") ? { row: 1, column: rows } : { row: sum, column: 1 },
    rhs: layout.endsWith("T") ? { row: 1, column: sum } : { row: columns, column: 1 },
    out: { row: columns, column: 1 },
    batch: [{ size: batch, lhs: rows * sum, rhs: sum * columns, out: rows * columns }],
  });
  const [l, r, o] = [rows * sum, sum * columns, rows * columns].map((n) => 4 * batch * n);
  const name = `${batch > 1 ? `${batch} x ` : ""}${rows} x ${sum} x ${columns} ${layout}`;
  printRow(name, call.routine, 2 * batch * rows * sum * columns, measure(call, l, r, o));
}

type Layout = readonly [string, string, string];

/** A layer and its gradients: the convolutions of the program that `grad` makes. */
function layer(name: string, x: Shape, k: Shape, dimensionNumbers: Layout, stride = 1): void {
  const loss = (x: NDArray, k: NDArray): NDArray =>
    np.sum(lax.convGeneralDilated(x, k, [stride, stride], "SAME", { dimensionNumbers }));
  const program = makeJaxpr(grad(loss, { argnums: [0, 1] }))(np.zeros(x, "float32"), np.zeros(k, "float32"));
  const eqns = program.jaxpr.eqns.filter((e) => e.primitive.name === "conv_general_dilated");
  eqns.forEach((eqn, i) => {
    const [lhs, rhs] = eqn.invars.map((v) => v.aval.shape);
    const out = eqn.outvars[0].aval.shape;
    const params = eqn.params as ConvParams;
    const call = conv({ type: "f32", lhs: { shape: lhs }, rhs: { shape: rhs }, out }, params);
    const flops = (2 * sizeOf(out) * sizeOf(rhs)) / rhs[params.dimension_numbers.rhs_spec[0]];
    const times = measure(call, 4 * sizeOf(lhs), 4 * sizeOf(rhs), 4 * sizeOf(out));
    printRow(`${name}: ${["forward", "gradient", "gradient"][i]}`, call.routine, flops, times);
  });
}

function pools(shape: Shape, size: number): void {
  const along = (yes: number, no: number): number[] => [no, yes, yes, no];
  const params = {
    ...{ window_dimensions: along(size, 1), window_strides: along(size, 1), padding: shape.map(() => [0, 0] as const) },
    ...{ base_dilation: along(1, 1), window_dilation: along(1, 1) },
  };
  const out = shape.map((n, d) => (d === 1 || d === 2 ? Math.floor(n / size) : n));
  const [operand, result] = [4 * sizeOf(shape), 4 * sizeOf(out)];
  const forward = reduceWindow("max", shape, out, params);
  printRow(
    `max pool ${size}x${size} of ${shape.join("x")}`,
    forward.routine,
    sizeOf(shape),
    measure(forward, operand, 0, result),
  );
  const back = selectAndScatter("ge", shape, out, { ...params, select_prim: "ge" });
  printRow("  its gradient", back.routine, sizeOf(shape), measure(back, result, operand, operand));
}

/** Prints one line for each shape. */
export function benchGemm(): void {
  console.log(
    `GFLOP/s on one core${modes.map((fast) => (fast ? ", then with fused multiply-add" : ", exact")).join("")}\n`,
  );
  for (const n of [8, 16, 32, 64, 128, 256, 512, 1024, 2048]) product(n, n, n);
  for (const layout of ["NT", "TN", "TT"]) for (const n of [16, 64, 256, 1024]) product(n, n, n, layout);
  console.log("\nbatched, flat and narrow");
  product(128, 64, 128, "NN", 16);
  product(128, 64, 128, "NT", 16);
  product(8, 8, 8, "NN", 256);
  for (const layout of ["NN", "NT"]) product(16, 128, 128, layout);
  product(128, 16, 128, "TN");
  for (const rows of [4, 32, 64, 100]) product(rows, 1024, 1024);
  for (const rows of [4, 32, 64]) product(rows, 1024, 1024, "NT");
  product(256, 1024, 10);
  product(1024, 256, 10, "TN");
  product(256, 10, 1024, "NT");
  product(32, 12_544, 10);
  product(12_544, 32, 10, "TN");
  console.log("\na vector times a matrix");
  for (const layout of ["NN", "NT"]) product(1, 1024, 1024, layout);
  for (const layout of ["NN", "TN"]) product(1024, 1024, 1, layout);
  product(1, 128, 128);
  product(1, 128, 128, "NT");
  console.log("\nconvolutions");
  layer("28x28 1 to 32, 3x3, NHWC", [32, 28, 28, 1], [3, 3, 1, 32], ["NHWC", "HWIO", "NHWC"]);
  layer("28x28 32 to 64, 3x3, NHWC", [32, 28, 28, 32], [3, 3, 32, 64], ["NHWC", "HWIO", "NHWC"]);
  layer("28x28 32 to 64, 3x3, NCHW", [32, 32, 28, 28], [64, 32, 3, 3], ["NCHW", "OIHW", "NCHW"]);
  layer("28x28 64 to 64, 3x3, stride 2", [8, 28, 28, 64], [3, 3, 64, 64], ["NHWC", "HWIO", "NHWC"], 2);
  layer("28x28 64 to 128, 1x1", [8, 28, 28, 64], [1, 1, 64, 128], ["NHWC", "HWIO", "NHWC"]);
  console.log("\npooling (elements of the operand, in thousand millions a second)");
  pools([32, 28, 28, 64], 2);
}
