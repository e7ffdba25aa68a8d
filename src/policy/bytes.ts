/** Sizes in bytes, as users write them and as tables print them: `"4KiB"`, `"64 MB"`, `4096`. */
import { RematValueError, describe } from "../errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A number of bytes, or text such as "4KiB" (1024 bytes each) or "4kB" (1000 bytes each). */
export type ByteSize = number | string;

/** The number of bytes. `what` says who asks, for the error. */
export function parseBytes(size: ByteSize, what: string): number {
  if (typeof size === "number" && size >= 0) return size;
  const match = typeof size === "string" ? /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?\s*$/i.exec(size) : null;
  const unit = match === null ? undefined : UNITS[(match[2] ?? "b").toLowerCase()];
  if (match === null || unit === undefined) {
    throw new RematValueError(
      `${what} takes a size in bytes; got ${describe(size)}.\nGive a number of bytes that isn't negative, or text such as "4KiB", "64MiB" or "1.5GB".`,
    );
  }
  return Math.floor(Number(match[1]) * unit);
}

/** `1.5 KiB`: three digits at most, in binary units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (value >= 1024 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${String(Number(value.toFixed(digits)))} ${names[unit]}`;
}

/** `1.5 kflop`: in decimal units. */
export function formatFlops(flops: number): string {
  let value = flops;
  let unit = 0;
  const names = ["flop", "kflop", "Mflop", "Gflop", "Tflop"];
  while (value >= 1000 && unit < names.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${String(Number(value.toPrecision(3)))} ${names[unit]}`;
}
