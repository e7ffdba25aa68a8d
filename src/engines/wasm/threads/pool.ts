/**
 * The helpers of one memory: workers that are started when the first program has something to share, and that never keep the process alive. Whatever
 * helpers there are, programs run; the thread that calls does by itself what nobody helps with.
 */
import { EngineThreadError } from "../../../errors.ts";
import { FAILED, FAILURE, HELPED, PENDING, TICKET } from "./control.ts";
import type { HelperMessage } from "./helperSource.ts";
import { startWorker, type Helper } from "./worker.ts";

export class Pool {
  readonly #memory: WebAssembly.Memory;
  readonly #scratches: readonly number[];
  readonly #words: Int32Array;
  readonly #ticket: BigInt64Array;
  /** Empty before the first program; the registry that ends them must not hold the pool. */
  readonly #helpers: Helper[] = [];
  /** What a helper has to know. */
  readonly #routines = new Map<string, WebAssembly.Module>();
  readonly #programs = new Map<number, WebAssembly.Module>();

  /** A helper for each scratch: the place where its loop kernels keep values. */
  constructor(memory: WebAssembly.Memory, scratches: readonly number[]) {
    this.#memory = memory;
    this.#scratches = scratches;
    this.#words = new Int32Array(memory.buffer, 0, 256);
    this.#ticket = new BigInt64Array(memory.buffer, TICKET, 1);
    abandoned.register(this, this.#helpers);
  }

  /** Lets helpers know a program, and the routines that it calls. */
  add(program: number, module: WebAssembly.Module, routines: ReadonlyMap<string, WebAssembly.Module>): void {
    if (this.#helpers.length === 0) this.#start();
    for (const [name, routine] of routines) {
      if (this.#routines.has(name)) continue;
      this.#routines.set(name, routine);
      this.#send({ kind: "routine", name, module: routine });
    }
    this.#programs.set(program, module);
    this.#send({ kind: "program", program, module });
  }

  forget(program: number): void {
    if (this.#programs.delete(program)) this.#send({ kind: "forget", program });
  }

  /** How many pieces of programs helpers have done. */
  get helped(): number {
    return Atomics.load(this.#words, HELPED / 4);
  }

  /** After a run: throws what went wrong in a helper. */
  check(): void {
    const length = Atomics.exchange(this.#words, FAILED / 4, 0);
    if (length === 0) return;
    const text = String.fromCharCode(...this.#words.subarray(FAILURE / 4, FAILURE / 4 + length));
    throw new EngineThreadError(text);
  }

  /** After a run that was left by an exception: takes back what nobody has begun, and waits for what helpers are at. */
  settle(): void {
    let left: number;
    for (;;) {
      const ticket = Atomics.load(this.#ticket, 0);
      const back = ticket & 0xffffn;
      const front = (ticket >> 16n) & 0xffffn;
      left = Number(back - front);
      const empty = (ticket & ~0xffff_ffffn) | (back << 16n) | back;
      if (Atomics.compareExchange(this.#ticket, 0, ticket, empty) === ticket) break;
    }
    // The chunk of the thread that threw, if it was at one, will not be done.
    while (Atomics.load(this.#words, PENDING / 4) > left + 1);
    Atomics.store(this.#words, PENDING / 4, 0);
    Atomics.store(this.#words, FAILED / 4, 0);
  }

  #start(): void {
    for (const scratch of this.#scratches) {
      const helper = startWorker();
      if (helper === null) return;
      this.#helpers.push(helper);
      helper.send({ kind: "memory", memory: this.#memory, scratch });
    }
  }

  #send(message: HelperMessage): void {
    for (const helper of this.#helpers) helper.send(message);
  }
}

/** Ends the helpers of memory that nobody holds any more. */
const abandoned = new FinalizationRegistry<readonly Helper[]>((helpers) => {
  for (const helper of helpers) helper.end();
});
