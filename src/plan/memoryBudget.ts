/** How a user writes an amount of memory, as bytes, a share or a string such as "64MiB"; and how one is printed. */
import { PlanGraphError } from "../errors.ts";

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * A budget in bytes. A number in (0, 1] is a share of `whole`, any other number counts bytes; a string has a unit ("64MiB", "1.5 GB") or is a
 * percentage of `whole` ("50%"). `Infinity` is no bound.
 *
 * @throws PlanGraphError where it is none of these.
 */
export function parseBudget(memory: number | string, whole: number): number {
  if (typeof memory === "number" && memory >= 0) return memory > 0 && memory <= 1 ? Math.floor(memory * whole) : memory;
  if (typeof memory === "string") {
    const parts = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*|%)\s*$/.exec(memory);
    if (parts !== null) {
      const [, digits, unit] = parts;
      if (unit === "%") return Math.floor((Number(digits) / 100) * whole);
      if (unit === "") return parseBudget(Number(digits), whole);
      if (Object.hasOwn(units, unit)) return Math.floor(Number(digits) * units[unit]);
    }
  }
  throw new PlanGraphError(
    'a memory budget is a number of bytes, a share of the peak between 0 and 1, or a string such as "64MiB" or "50%" (units: ' +
      `${Object.keys(units).join(", ")}); it is ${JSON.stringify(memory) ?? String(memory)}.`,
  );
}

/** An amount of memory for readers: "1.50 GiB". */
export function formatBytes(bytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"]) {
    if (bytes >= units[unit]) return `${(bytes / units[unit]).toFixed(2)} ${unit}`;
  }
  return `${bytes} B`;
}
