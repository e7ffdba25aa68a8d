/**
 * What a helper does, as the text of a worker: it has to start in Node, in a browser and out of a bundle, where there is no file to load. It gets
 * memory, modules of routines and of programs by messages, and looks at the control block for jobs. After a job it looks for the next one for a
 * while, then sleeps until it is woken; only then do messages arrive, so a job of a program that it doesn't know sends it there.
 */
import { hostSource } from "../code/host.ts";
import { ASLEEP, FAILED, FAILURE, FAILURE_LENGTH, JOB, PENDING, PROGRAM } from "./control.ts";

/** What is sent to a helper, one after the other. */
export type HelperMessage =
  | { readonly kind: "memory"; readonly memory: WebAssembly.Memory; readonly scratch: number }
  | { readonly kind: "routine"; readonly name: string; readonly module: WebAssembly.Module }
  | { readonly kind: "program"; readonly program: number; readonly module: WebAssembly.Module }
  | { readonly kind: "forget"; readonly program: number };

const word = (address: number): string => String(address / 4);

/** Milliseconds for which a helper looks for the next job. */
const PATIENCE = 0.2;

export const helperSource = `"use strict";
const port = typeof require === "function" ? require("node:worker_threads").parentPort : self;
const math = ${hostSource};
const routines = {};
const programs = new Map();
const own = () => { throw new Error("a helper was to perform a step that is the main thread's"); };
const env = () => ({ memory, scratch, host: own, offload: own, restore: own });
let memory = null;
let words = null;
let scratch = 0;

port.onmessage = ({ data }) => {
  if (data.kind === "memory") {
    memory = data.memory;
    scratch = data.scratch;
    words = new Int32Array(memory.buffer, 0, 256);
    void serve();
  } else if (data.kind === "routine") {
    routines[data.name] = new WebAssembly.Instance(data.module, { env: { memory } }).exports[data.name];
  } else if (data.kind === "program") {
    const { exports } = new WebAssembly.Instance(data.module, { env: env(), math, routines });
    programs.set(data.program, exports.help);
  } else programs.delete(data.program);
};

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function serve() {
  for (;;) {
    const job = Atomics.load(words, ${word(JOB)});
    const help = programs.get(Atomics.load(words, ${word(PROGRAM)}));
    if (help !== undefined) {
      work(help);
      if (changes(job)) continue;
    }
    await sleep(job);
    if (help === undefined) await turn();
  }
}

function work(help) {
  try {
    help();
  } catch (error) {
    const text = String(error).slice(0, ${String(FAILURE_LENGTH)});
    for (let i = 0; i < text.length; i++) words[${word(FAILURE)} + i] = text.charCodeAt(i);
    Atomics.store(words, ${word(FAILED)}, text.length);
    if (Atomics.sub(words, ${word(PENDING)}, 1) === 1) Atomics.notify(words, ${word(PENDING)});
  }
}

/** Whether another job comes within a while. */
function changes(job) {
  const stop = performance.now() + ${String(PATIENCE)};
  do {
    for (let i = 0; i < 200; i++) if (Atomics.load(words, ${word(JOB)}) !== job) return true;
  } while (performance.now() < stop);
  return false;
}

async function sleep(job) {
  Atomics.add(words, ${word(ASLEEP)}, 1);
  if (Atomics.waitAsync === undefined) {
    // Wakes now and then for messages.
    Atomics.wait(words, ${word(JOB)}, job, 20);
    await turn();
  } else {
    const { async, value } = Atomics.waitAsync(words, ${word(JOB)}, job);
    if (async) await value;
  }
  Atomics.sub(words, ${word(ASLEEP)}, 1);
}
`;
