import { transform } from "esbuild";
import { defineConfig } from "vitest/config";

/** Neither Node nor Vite's own transform knows decorators yet. */
const decorators = {
  name: "decorators",
  enforce: "pre" as const,
  async transform(code: string, id: string): Promise<{ code: string; map: string } | null> {
    if (!id.endsWith("decorators.test.ts")) return null;
    return transform(code, { loader: "ts", target: "es2022", sourcemap: true, sourcefile: id });
  },
};

/** `npm test`: everything that needs Node alone. What needs more (a browser, Python) is in `vitest.all.config.ts`. */
export default defineConfig({
  test: {
    projects: [
      {
        plugins: [decorators],
        ssr: { resolve: { conditions: ["@remat/source", "module", "node", "development|production"] } },
        test: {
          name: "node",
          environment: "node",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/all/**", "**/node_modules/**"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          typecheck: {
            enabled: true,
            include: ["tests/**/*.test-d.ts"],
            exclude: ["tests/all/**", "**/node_modules/**"],
            tsconfig: "./tsconfig.types.json",
            // `npm run typecheck` reports those of the source
            ignoreSourceErrors: true,
          },
        },
      },
    ],
  },
});
