import { playwright } from "@vitest/browser-playwright";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * `tests/all/**`: the tests that need more than Node. Those in `tests/all/browser/`, and those of the wasm engine, run in a Chromium that is already on
 * the machine (`CHROMIUM` names another one), with WebGPU on the software rasteriser; what concerns threads also on a page that is isolated
 * from other origins, since memory can be shared there only.
 */
const chromium =
  process.env.CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));

const conditions = ["@remat/source", "module", "development|production"];

/** Of the engine's tests those that need nothing of Node. */
const engine = ["wasm", "gemm", "conv", "pooling", "math/*"].map((name) => `tests/engines/${name}.test.ts`);

/** Tests in Chromium, on a page that is isolated from other origins or on one that isn't. */
const inBrowser = (name: string, include: readonly string[], isolated: boolean) => ({
  resolve: {
    conditions: [...conditions, "browser"],
    alias: { "node:vm": fileURLToPath(new URL("tests/all/browser/vm.ts", import.meta.url)) },
  },
  server: {
    headers: isolated
      ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }
      : {},
  },
  test: {
    name,
    include: [...include],
    env: { ISOLATED: isolated ? "yes" : "no" },
    testTimeout: 240_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          ...(chromium === undefined ? {} : { executablePath: chromium }),
          // A fresh profile is Playwright's default; the rest keeps Chromium from the network and from a GPU.
          args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-unsafe-webgpu",
            "--use-webgpu-adapter=swiftshader",
            "--enable-features=Vulkan",
          ],
        },
      }),
      instances: [{ browser: "chromium" as const }],
    },
  },
});

export default defineConfig({
  test: {
    projects: [
      {
        ssr: { resolve: { conditions: [...conditions, "node"] } },
        test: {
          name: "all",
          environment: "node",
          include: ["tests/all/**/*.test.ts"],
          exclude: ["tests/all/browser/**", "**/node_modules/**"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      inBrowser("browser", ["tests/all/browser/**/*.test.ts", ...engine], false),
      inBrowser("isolated", ["tests/all/browser/threads.test.ts", "tests/engines/wasm.test.ts"], true),
    ],
  },
});
