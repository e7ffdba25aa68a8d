/**
 * `npm run bench -- workloads [--only=W1,W3] [--peers=jax-js,jax] [--out=FILE]`: the workloads of a training library, for this one and, beside it, for
 * jax-js and TensorFlow.js in their Wasm backends (installed on the first run), and for JAX and PyTorch on CPU where a Python has them
 * (`REMAT_BENCH_PYTHON`: paths of Pythons, separated as in PATH). All have one thread. Each workload of each library is a process of its own, one after another; the
 * libraries take turns by workload, so that what is compared ran within a few minutes. Times are the least milliseconds of CPU time that a call
 * takes; those of a first call and of a start, which happen once, are by the clock. A run of everything writes its tables into `docs/performance.md`; `--out` names another page, also for a run of a part.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { installPeers, pinned, pythonWith } from "./peers/install.ts";
import { programOf } from "./program.ts";
import type { Missing } from "./workloads/figures.ts";
import { markdown, REST, withFigures, type Column, type Line } from "./workloads/table.ts";

const all = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "memory"];
/** Seconds; a process that takes longer is cut off, and what it printed by then counts. */
const LIMIT = 120;
const HERE = import.meta.dirname;
const PAGE = join(HERE, "../docs/performance.md");

/** A library that is there: its program, which takes the name of a workload. */
interface Peer extends Column {
  readonly command: string;
  readonly args: readonly string[];
  /** Flags of Node for a workload. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
}

const node = async (file: string): Promise<Pick<Peer, "command" | "args">> => ({
  command: process.execPath,
  args: ["--conditions=@remat/source", await programOf(join(HERE, file))],
});

type FindPeer = () => Promise<Peer | string>;

const npmPeer =
  (peer: string, title: string, file: string, name: string, flags?: Peer["flags"]): FindPeer =>
  async () =>
    installPeers() ?? { peer, title: `${title} ${pinned(name)}`, ...(await node(file)), flags };

const pythonPeer =
  (peer: string, title: string, file: string, module: string): FindPeer =>
  async () => {
    const found = pythonWith(module);
    if (found === undefined) return `no Python has ${module}; name one that has it by REMAT_BENCH_PYTHON`;
    return { peer, title: `${title} ${found.version}`, command: found.python, args: [join(HERE, file)] };
  };

/** How to get at each library; a text says why it is not there. */
const peers: Readonly<Record<string, FindPeer>> = {
  "jax-js": npmPeer("jax-js", "jax-js", "peers/jaxJs.ts", "@jax-js/jax", {
    // it lets go of what it traced by recursion, for which 1000 steps are too deep in the stack that Node gives
    W4: ["--stack-size=4000"],
  }),
  tfjs: npmPeer("tfjs-wasm", "tfjs-wasm", "peers/tfjs.ts", "@tensorflow/tfjs-backend-wasm"),
  jax: pythonPeer("jax", "JAX", "peers/jax.py", "jax"),
  torch: pythonPeer("torch", "PyTorch", "peers/torch.py", "torch"),
};

/** Runs one workload of one library; gives what it printed, and why it ended if that was early. */
async function linesOf({ peer, command, args, flags }: Peer, workload: string): Promise<Line[]> {
  const lines: Line[] = [];
  const child = spawn(command, [...(flags?.[workload] ?? []), ...args, workload], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT * 1000,
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-4000);
  });
  const read = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("{")) lines.push(JSON.parse(line) as Line);
    }
  })();
  const reason = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => {
      resolve(`could not be started: ${error.message}`);
    });
    child.on("close", (status, signal) => {
      const error = complaint.split("\n").findLast((line) => /^\w*Error\b/.test(line)) ?? complaint.trim();
      if (child.killed) resolve(`was cut off after ${String(LIMIT)} s`);
      else if (signal !== null) resolve(`its process was ended by ${signal}`);
      else resolve(status === 0 ? undefined : `its process failed: ${error.replaceAll("\n", " ").slice(0, 200)}`);
    });
  });
  await read;
  if (reason !== undefined) lines.push({ peer, workload, metric: REST, reason } satisfies Missing);
  return lines;
}

const load = (): string =>
  loadavg()
    .map((x) => x.toFixed(1))
    .join(" ");

function namesIn(flag: string | undefined, known: readonly string[], what: string): readonly string[] {
  const names = flag === undefined ? known : flag.split(",").filter((name) => name !== "");
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`there is no ${what} '${wrong}'; there are: ${known.join(", ")}`);
  return names;
}

/** The text as the formatter of this project would write it. */
async function formatted(file: string, text: string): Promise<string> {
  const { format, resolveConfig } = await import("prettier");
  return format(text, { ...(await resolveConfig(file)), parser: "markdown" });
}

export async function benchWorkloads(flags: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    flags.find((f) => f.startsWith(`--${name}=`))?.slice(name.length + 3);
  const wanted = namesIn(value("only"), all, "workload");
  const own: Peer = { peer: "remat", title: "remat", ...(await node("workloads/remat.ts")) };
  /** The process that shows how long a start takes. */
  const ownStart: Peer = { ...own, ...(await node("workloads/start.ts")) };
  const present: Peer[] = [own];
  const skipped: string[] = [];
  for (const name of namesIn(value("peers"), Object.keys(peers), "peer")) {
    const found = await peers[name]();
    if (typeof found !== "string") present.push(found);
    else {
      skipped.push(`${name} is left out: ${found}.`);
      console.log(skipped.at(-1));
    }
  }
  const began = new Date();
  const before = load();
  const lines: Line[] = [];
  for (const workload of wanted) {
    for (const peer of present) {
      const start = performance.now();
      const printed = await linesOf(peer, workload);
      if (peer === own && workload === "W1") printed.push(...(await linesOf(ownStart, workload)));
      lines.push(...printed);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const early = printed.find(({ metric }) => metric === REST) as Missing | undefined;
      console.log(`${workload} ${peer.title}: ${seconds} s${early === undefined ? "" : `; ${early.reason}`}`);
      if (early !== undefined && peer === own) process.exitCode = 1;
    }
  }
  const minutes = ((Date.now() - began.getTime()) / 60_000).toFixed(1);
  const facts = [
    `One run of ${began.toISOString().slice(0, 10)}, ${minutes} minutes: ${cpus()[0].model}, ${String(cpus().length)} virtual cores,`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}; load average ${before} before, ${load()} after.`,
    existsSync(join(HERE, "../dist/index.js"))
      ? "The start of a process is that of the built library."
      : "The library was not built, which makes the start of its process slow.",
    ...skipped,
  ].join(" ");
  const tables = markdown(lines, present);
  console.log(`\n${facts}\n\n${tables}`);
  const whole = wanted.length === all.length && present.length > 1;
  const file = value("out") ?? (whole && process.exitCode !== 1 ? PAGE : undefined);
  if (file === undefined) return;
  const page = existsSync(file) ? readFileSync(file, "utf8") : "";
  writeFileSync(file, await formatted(file, withFigures(page, `${facts}\n\n${tables}`)));
  console.log(`\nwritten to ${file}`);
}
