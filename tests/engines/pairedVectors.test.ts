/** Pairs of vectors joined by V8: the same bits, whatever the shape. The flag holds for a whole process, so each test has one of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function runs(source: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const args = ["--conditions=@remat/source", "--input-type=module-typescript", "--eval", source];
  return spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, REMAT_ENGINE: "wasm" },
    encoding: "utf8",
    timeout: 240_000,
  });
}

test("products and convolutions have the bits of one vector at a time", () => {
  const { status, stdout, stderr } = runs(`
    import { createWasmEngine, grad, jit, lax, np, random, setEngine, tree } from "./src/index.ts";
    const bytes = (x) => Buffer.from(tree.leaves(x).map((y) => Buffer.from(y.data.slice().buffer)).reduce((a, b) => Buffer.concat([a, b])));
    const draw = (shape, dtype = "float32") => random.normal(random.key(shape.length + shape[0]), shape).astype(dtype);
    const cases = [];
    for (const [m, k, n] of [[64, 64, 64], [33, 300, 17], [129, 513, 40], [200, 7, 200], [24, 1000, 31], [512, 256, 10]])
      for (const dtype of ["float32", "int32"])
        cases.push([(x, y) => np.matmul(x, y), [draw([m, k], dtype), draw([k, n], dtype)]]);
    const g = grad((x, y) => np.sum(np.tanh(np.matmul(x, y))), { argnums: [0, 1] });
    cases.push([g, [draw([5, 96, 64]), draw([5, 64, 72])]]);
    const conv = (x, w) => lax.convGeneralDilated(x, w, [1, 1], "SAME", { dimensionNumbers: ["NHWC", "HWIO", "NHWC"] });
    cases.push([grad((x, w) => np.sum(np.square(conv(x, w))), { argnums: [0, 1] }), [draw([2, 15, 17, 8]), draw([3, 3, 8, 24])]]);
    const before = cases.map(([f, args]) => bytes(jit(f)(...args)));
    let same = 0;
    for (const mode of ["exact", "fast"]) {
      setEngine(createWasmEngine({ mode }));
      const single = mode === "exact" ? before : cases.map(([f, args]) => bytes(jit(f)(...args)));
      setEngine(createWasmEngine({ mode, vectorBits: 256 }));
      cases.forEach(([f, args], i) => {
        const h = jit(f);
        // The first runs take V8's first compiler, the others its second one.
        for (let run = 0; run < 60; run++) if (!bytes(h(...args)).equals(single[i])) throw new Error(mode + " case " + i + " run " + run);
        same++;
      });
    }
    console.log("same", same);
  `);
  expect(stderr).toBe("");
  expect(stdout).toBe("same 28\n");
  expect(status).toBe(0);
});

test("elsewhere than in Node it is refused", () => {
  const { stdout } = runs(`
    import { createWasmEngine } from "./src/index.ts";
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.1.0" } });
    try { createWasmEngine({ vectorBits: 256 }); } catch (e) { console.log(e.name, "|", e.message.split("\\n")[0]); }
  `);
  expect(stdout).toBe(
    "UnsupportedError | a wasm engine was asked for with vectorBits: 256, which Node 24 and newer can do; this is Node 22.1.0.\n",
  );
});
