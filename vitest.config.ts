import { defineConfig } from "vitest/config";

/** `npm test`: everything that needs Node alone. What needs more (a browser, Python) is in `vitest.all.config.ts`. */
export default defineConfig({
  test: {
    projects: [
      {
        ssr: { resolve: { conditions: ["@remat/source", "module", "node", "development|production"] } },
        test: {
          name: "node",
          environment: "node",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/all/**", "**/node_modules/**"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
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
