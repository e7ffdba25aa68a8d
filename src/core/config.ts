/** Settings of the process, as in `jax.config`. */

const settings = { x64: false };

/** Lets 64-bit dtypes be: without it (the default), they become their 32-bit counterparts. */
export function enableX64(on = true): void {
  settings.x64 = on;
}

export const x64Enabled = (): boolean => settings.x64;
