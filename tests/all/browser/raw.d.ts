/** Vite gives a file as text. */
declare module "*?raw" {
  const text: string;
  export { text as default };
}

/** What the project in `vitest.all.config.ts` sets. */
interface ImportMeta {
  readonly env: Readonly<Record<string, string | undefined>>;
}

declare const crossOriginIsolated: boolean;
