/** Workers of Node and of browsers, from text; and whether threads can share memory at all. */
import { helperSource, type HelperMessage } from "./helperSource.ts";

export interface Helper {
  readonly send: (message: HelperMessage) => void;
  readonly end: () => void;
}

/** What Node's `worker_threads` has, as far as it is used. */
interface NodeThreads {
  readonly Worker: new (source: string, options: object) => NodeWorker;
}

interface NodeWorker {
  unref(): void;
  on(event: "error", listener: () => void): void;
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface Surroundings {
  readonly crossOriginIsolated?: boolean;
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  readonly Worker?: new (url: string, options?: object) => Omit<NodeWorker, "on" | "unref"> & EventTarget;
}

const surroundings = (): Surroundings => globalThis;

/** Browsers let threads share memory on pages that are isolated from other origins (`crossOriginIsolated`) only. */
export const canShareMemory = (): boolean =>
  typeof SharedArrayBuffer === "function" && surroundings().crossOriginIsolated !== false;

/** Whether this thread may sleep: the main thread of a browser may not. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** A helper; null where there are no workers, or a policy of the page forbids this one. */
export function startWorker(): Helper | null {
  const { process, Worker } = surroundings();
  try {
    const node = process?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
    if (node !== undefined) return nodeHelper(node);
    if (Worker === undefined) return null;
    const url = URL.createObjectURL(new Blob([helperSource], { type: "text/javascript" }));
    const worker = new Worker(url, { name: "remat" });
    // One that doesn't start helps nobody; programs run without it.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
    });
    return helperOf(worker);
  } catch {
    return null;
  }
}

function nodeHelper({ Worker }: NodeThreads): Helper {
  // Nothing that this process was started with is meant for a helper.
  const worker = new Worker(helperSource, { eval: true, execArgv: [], name: "remat" });
  worker.unref();
  worker.on("error", () => undefined);
  return helperOf(worker);
}

const helperOf = (worker: Pick<NodeWorker, "postMessage" | "terminate">): Helper => ({
  send: (message) => {
    worker.postMessage(message);
  },
  end: () => {
    worker.terminate();
  },
});
