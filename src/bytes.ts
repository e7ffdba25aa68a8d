/** Amounts of memory and work, as users write them and as tables print them: "4KiB", "64 MB", 4096; "1.5 kflop". */
import { MemoryBudgetError } from "./errors.ts";

const units: Readonly<Record<string, number>> = {
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

/**
 * Bytes of an amount. `asked` says who asks, for the error.
 *
 * @throws MemoryBudgetError for anything else, or for what is negative or no number.
 */
export function parseBytes(amount: ByteSize, asked = "an amount of memory"): number {
  if (typeof amount === "number" && amount >= 0) return amount;
  const match = typeof amount === "string" ? /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([kmgt]?i?b)?\s*$/i.exec(amount) : null;
  const unit = match === null ? undefined : units[(match[2] ?? "b").toLowerCase()];
  if (match === null || unit === undefined) {
    throw new MemoryBudgetError(asked, typeof amount === "string" ? JSON.stringify(amount) : String(amount));
  }
  return Math.floor(Number(match[1]) * unit);
}

/**
 * A budget in bytes: an amount, or a share of `whole` as a percentage ("50%") or a number in (0, 1]. `Infinity` is no bound.
 *
 * @throws MemoryBudgetError where it is none of these.
 */
export function parseBudget(memory: ByteSize, whole: number, asked = "a memory budget"): number {
  const share = typeof memory === "string" ? /^\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*$/.exec(memory) : null;
  if (share !== null)
    return share[2] === "%"
      ? Math.floor((Number(share[1]) / 100) * whole)
      : parseBudget(Number(share[1]), whole, asked);
  if (typeof memory === "number" && memory > 0 && memory <= 1) return Math.floor(memory * whole);
  return parseBytes(memory, asked);
}

/** `1.50 GiB`: two digits after the point, in columns. */
export function formatBytes(bytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"]) {
    const size = units[unit.toLowerCase()];
    if (bytes >= size) return `${(bytes / size).toFixed(2)} ${unit}`;
  }
  return `${bytes} B`;
}

/** `1.5 KiB`: three digits at most, in binary units. */
export function shortBytes(bytes: number): string {
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
