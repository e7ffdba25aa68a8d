/** Amounts of memory as text: "64MiB" to bytes and back. */
import { MemoryBudgetError } from "./errors.ts";

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/**
 * Bytes of an amount: a number of bytes, or a text with a unit ("64MiB", "1.5 GB", "512 B").
 *
 * @throws MemoryBudgetError for anything else, or for what is negative or no number.
 */
export function parseBytes(amount: number | string, asked = "an amount of memory"): number {
  if (typeof amount === "number") {
    if (amount >= 0) return amount;
    throw new MemoryBudgetError(asked, String(amount));
  }
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]+)\s*$/.exec(amount);
  const unit = match === null ? undefined : units[match[2].toLowerCase()];
  if (match === null || unit === undefined) throw new MemoryBudgetError(asked, JSON.stringify(amount));
  return Math.floor(Number(match[1]) * unit);
}

/** Bytes for people: "64.0 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`;
  const names = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${names[unit]}`;
}
