/** Amounts of memory as users write them. */
import { ScheduleError, describe } from "../errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** The number of bytes of `1024`, `"16MiB"` or `"1.5 GB"`. */
export function parseBytes(what: string, memory: unknown): number {
  if (typeof memory === "number" && memory >= 0) return Math.floor(memory);
  const match = typeof memory === "string" ? /^\s*([\d.]+)\s*([a-z]*)\s*$/i.exec(memory) : null;
  const unit = match === null ? undefined : UNITS[match[2].toLowerCase()];
  const bytes = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (Number.isFinite(bytes)) return Math.floor(bytes);
  throw new ScheduleError(
    `${what} was given ${describe(memory)} for its memory. Give a number of bytes, or a text such as "16MiB", "64kB" or "1.5GB".`,
  );
}
