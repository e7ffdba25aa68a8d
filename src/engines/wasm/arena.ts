/**
 * The memory of all programs: one WebAssembly memory. Low addresses hold what lives as long as a program (its argument blocks), then comes the arena,
 * which each program lays out for itself while it runs. Memory grows when a program needs more, and never shrinks while it lives. With several
 * threads it is shared, and the first bytes are the control block of its helpers.
 */
import { shortBytes } from "../../bytes.ts";
import { OutOfMemoryError } from "../../errors.ts";
import { SCRATCH_BYTES } from "./code/loopPhases.ts";
import { runtimeModule } from "./runtime/index.ts";
import { Pool } from "./threads/pool.ts";

const PAGE = 65536;
/** Where the arena begins; below it the blocks of programs. Pages that nobody touches cost address space only. */
export const ARENA = 64 * 1024 * 1024;
/** All that 32-bit addresses reach, less one page: vectors may read beyond the end of a buffer. */
export const LIMIT = 65535 * PAGE;
const SLACK = 4096;
const FIRST_BLOCK = 1024;

/** How products are computed; see `RuntimeOptions`. */
export interface ProductSettings {
  readonly fast: boolean;
  readonly paired: boolean;
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  /** How many threads work on programs. */
  readonly threads: number;
  readonly fast: boolean;
  readonly paired: boolean;
  /** The other threads. */
  readonly pool: Pool | null;
  /** The scratch of the loop kernels that this thread runs; those of helpers follow. */
  readonly scratch: number;
  /** The program whose buffers are in the arena, and its arguments. */
  owner: object | null = null;
  /** The most bytes that any run has taken. */
  highWater = 0;
  readonly #routines: Record<string, WebAssembly.ImportValue> = {};
  #nextBlock = FIRST_BLOCK;
  readonly #freeBlocks = new Map<number, number[]>();
  #capacity: number;

  constructor(threads: number, { fast, paired }: ProductSettings) {
    this.threads = threads;
    this.fast = fast;
    this.paired = paired;
    const initial = ARENA / PAGE + 16;
    this.memory = this.#allocated(initial);
    this.scratch = this.allocateBlocks(threads * SCRATCH_BYTES);
    const scratches = Array.from({ length: threads - 1 }, (_, i) => this.scratch + (i + 1) * SCRATCH_BYTES);
    this.pool = this.shared ? new Pool(this.memory, scratches) : null;
    this.#capacity = initial * PAGE;
  }

  get shared(): boolean {
    return this.threads > 1;
  }

  /** Routines of the runtime as modules. */
  routineModules(names: readonly string[]): Map<string, WebAssembly.Module> {
    const { shared, fast, paired } = this;
    return new Map(names.map((name) => [name, runtimeModule({ shared, fast, paired, routines: [name] })]));
  }

  /** Routines of the runtime, on this memory; each is compiled once. */
  routines(names: readonly string[]): Readonly<Record<string, WebAssembly.ImportValue>> {
    for (const [name, module] of this.routineModules(names.filter((n) => !(n in this.#routines)))) {
      const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
      this.#routines[name] = exports[name];
    }
    return this.#routines;
  }

  #allocated(initial: number): WebAssembly.Memory {
    try {
      return new WebAssembly.Memory({ initial, maximum: 65536, shared: this.shared });
    } catch (cause) {
      throw new OutOfMemoryError(
        `the wasm engine was to begin with ${String(initial * PAGE)} bytes, and the system gives no more memory.
` + 'Free memory elsewhere, or compute with setEngine("js").',
        { cause },
      );
    }
  }

  /** Makes room for an arena of so many bytes; `largest` says what they are for. */
  reserve(bytes: number, largest: () => string): void {
    const wanted = ARENA + bytes + SLACK;
    if (wanted > this.#capacity) {
      const pages = Math.ceil((wanted - this.#capacity) / PAGE);
      try {
        this.memory.grow(pages);
      } catch (cause) {
        throw new OutOfMemoryError(
          `a program was to run whose peak is ${sized(bytes)}, within the budget of ${sized(arenaLimit)}, but the system gives no more memory. ` +
            `The largest buffers:\n${largest()}\nCheckpoint more of it, work on smaller batches, or free memory elsewhere.`,
          { cause },
        );
      }
      this.#capacity += pages * PAGE;
    }
    this.highWater = Math.max(this.highWater, bytes);
  }

  /** Bytes below the arena, for as long as a program lives. */
  allocateBlocks(bytes: number): number {
    const size = Math.ceil(Math.max(bytes, 16) / 16) * 16;
    const free = this.#freeBlocks.get(size)?.pop();
    if (free !== undefined) return free;
    const at = this.#nextBlock;
    if (at + size > ARENA) {
      throw new OutOfMemoryError(
        `the argument blocks of compiled programs need more than ${String(ARENA)} bytes: too many programs are alive.\nLet go of compiled functions that are no longer called.`,
      );
    }
    this.#nextBlock += size;
    return at;
  }

  freeBlocks(at: number, bytes: number): void {
    const size = Math.ceil(Math.max(bytes, 16) / 16) * 16;
    const list = this.#freeBlocks.get(size);
    if (list === undefined) this.#freeBlocks.set(size, [at]);
    else list.push(at);
  }
}

/** Bytes to the last one, and as one reads them. */
export const sized = (bytes: number): string => `${String(bytes)} bytes (${shortBytes(bytes)})`;

/** The most that a program can have. */
export const arenaLimit = LIMIT - ARENA - SLACK;
