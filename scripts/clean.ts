import { rmSync } from "node:fs";

/** `node scripts/clean.ts dist`: removes folders inside the project, on every platform. */
for (const folder of process.argv.slice(2)) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
}
