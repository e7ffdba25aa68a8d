/** A compiled program, ready to run: its module on the arena's memory, and what goes in and out. */
import { ConcreteArray } from "../../core/array.ts";
import { dtypes, type TypedArray } from "../../core/dtype.ts";
import type { Engine, OffloadOptions } from "../../core/engine.ts";
import type { Compiled } from "../../compile/compile.ts";
import type { Buffer, CallStep } from "../../compile/program.ts";
import { OutOfMemoryError } from "../../errors.ts";
import { copyOf } from "./copies.ts";
import { ARENA, arenaLimit, sized, type Arena } from "./arena.ts";
import { hostImports } from "./code/host.ts";
import type { HostMemory } from "./hostMemory.ts";
import { blockBytes, emitProgram } from "./programCode.ts";
import type { Pool } from "./threads/pool.ts";
import type { Sharing } from "./threads/shareCode.ts";
import { maySleep } from "./threads/worker.ts";

type Run = () => void;

/** Programs are numbered, so that helpers tell them apart. */
let programs = 0;

const sharing = (program: number, { threads }: Arena): Sharing => ({
  program,
  threads,
  maySleep: threads > 1 && maySleep(),
});

/** A place in the arena as elements. */
interface Window {
  readonly buffer: Buffer;
  view: TypedArray;
}

export class Instance {
  readonly compiled: Compiled;
  readonly #arena: Arena;
  readonly #reference: Engine;
  readonly #host: HostMemory;
  readonly #run: Run;
  readonly #hostSteps: readonly CallStep[];
  readonly #inputs: readonly (Window | null)[];
  readonly #constants: readonly Window[];
  readonly #outputs: readonly (Window | null)[];
  readonly #donated: readonly boolean[];
  readonly #shares: boolean;
  /** Whether anything of it lies in host memory. */
  readonly #offloads: boolean;
  #memory: ArrayBufferLike | null = null;
  /** The elements that lie in the arena as arguments, from the last run. */
  #last: (TypedArray | null)[];

  constructor(compiled: Compiled, donated: readonly boolean[], arena: Arena, host: HostMemory, reference: Engine) {
    this.compiled = compiled;
    this.#arena = arena;
    this.#reference = reference;
    this.#host = host;
    this.#donated = donated;
    const { program, layout } = compiled;
    if (layout.size > arenaLimit) throw new OutOfMemoryError(tooLarge(compiled));
    const bytes = blockBytes(program.body, arena.threads);
    const base = arena.allocateBlocks(bytes);
    const id = ++programs;
    released.register(this, { arena: new WeakRef(arena), id, base, bytes });
    const code = emitProgram(program, base, sharing(id, arena));
    this.#hostSteps = code.hostSteps;
    new Int32Array(arena.memory.buffer, base, code.words.length).set(code.words);
    const module = new WebAssembly.Module(code.bytes);
    if (code.shares) arena.pool?.add(id, module, arena.routineModules(code.routines));
    this.#shares = code.shares;
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory: arena.memory, scratch: arena.scratch, ...hostCallers(new WeakRef(this)) },
      math: hostImports,
      routines: arena.routines(code.routines),
    });
    this.#run = exports.run as Run;
    const empty = new Uint8Array(0);
    const window = (buffer: Buffer): Window => ({ buffer, view: empty });
    this.#inputs = program.inputs.map((b) => (b.host ? null : window(b)));
    this.#constants = program.constants.map((c) => window(c.buffer));
    this.#outputs = program.outputs.map((o) => (o.kind === "buffer" && !o.buffer.host ? window(o.buffer) : null));
    this.#last = program.inputs.map(() => null);
    this.#offloads =
      layout.host.slots.length > 0 ||
      program.inputs.some((b) => b.host) ||
      program.outputs.some((o) => o.kind === "buffer" && o.buffer.host);
  }

  /** Runs the program on these arguments. */
  run(args: readonly ConcreteArray[], offload?: OffloadOptions): TypedArray[] {
    const arena = this.#arena;
    const { program, layout } = this.compiled;
    arena.reserve(layout.size, () => largest(this.compiled));
    this.#refresh();
    const mine = arena.owner === this;
    if (!mine) {
      program.constants.forEach(({ value }, i) =>
        (this.#constants[i].view as Float32Array).set(value.data as Float32Array),
      );
      this.#last.fill(null);
    }
    arena.owner = this;
    for (let i = 0; i < args.length; i++) {
      const data = args[i].data;
      const place = this.#inputs[i];
      if (place === null) continue;
      // Arrays are never written to after they were made, so what lies there already is what it was.
      if (this.#last[i] === data) continue;
      (place.view as Float32Array).set(data as Float32Array);
      this.#last[i] = this.#donated[i] ? null : data;
    }
    if (!this.#offloads) {
      this.#host.forget();
      return this.#runAndRead(args);
    }
    const away = args.filter((_, i) => program.inputs[i].host).map((a) => a.data);
    try {
      this.#host.begin(this, layout.host.slots, away, offload?.disk);
      return this.#runAndRead(args);
    } finally {
      this.#host.end();
    }
  }

  #runAndRead(args: readonly ConcreteArray[]): TypedArray[] {
    if (this.#shares) this.#runShared();
    else this.#run();
    const { outputs } = this.compiled.program;
    const results = new Array<TypedArray>(outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const out = outputs[i];
      if (out.kind === "input") results[i] = args[out.index].data;
      else if (out.kind === "value") results[i] = out.value.data;
      else {
        const place = this.#outputs[i];
        results[i] = place === null ? this.#host.take(out.buffer) : copyOf(place.view, out.buffer.dtype);
      }
    }
    return results;
  }

  /** Copies between the arena and a slot of host memory. */
  transfer(kind: "offload" | "restore", slot: number, at: number, address: number, bytes: number): void {
    this.#host[kind](slot, at >>> 0, new Uint8Array(this.#arena.memory.buffer, address >>> 0, bytes >>> 0));
  }

  #runShared(): void {
    const pool = this.#arena.pool as Pool;
    try {
      this.#run();
    } catch (error) {
      pool.settle();
      throw error;
    }
    pool.check();
  }

  /** Performs a step by the reference engine. */
  host(id: number, block: number): void {
    const step = this.#hostSteps[id];
    const buffer = this.#arena.memory.buffer;
    const words = new Int32Array(buffer, block, step.operands.length + step.outputs.length);
    const args = step.inAvals.map((aval, i) => {
      const { storage, lanes } = dtypes[aval.dtype];
      return new ConcreteArray(aval, new storage(buffer, words[i] >>> 0, aval.size * lanes));
    });
    const outs = this.#reference.apply(step.eqn.primitive, args, step.outAvals, step.eqn.params);
    step.outAvals.forEach((aval, i) => {
      const { storage, lanes } = dtypes[aval.dtype];
      const to = new storage(buffer, words[args.length + i] >>> 0, aval.size * lanes);
      (to as Float32Array).set(outs[i] as Float32Array);
    });
  }

  /** Views are gone when memory has grown. */
  #refresh(): void {
    const { buffer } = this.#arena.memory;
    if (buffer === this.#memory) return;
    this.#memory = buffer;
    for (const w of [...this.#inputs, ...this.#constants, ...this.#outputs]) {
      if (w === null) continue;
      const { storage, lanes } = dtypes[w.buffer.dtype];
      w.view = new storage(buffer, ARENA + w.buffer.root.offset, w.buffer.size * lanes);
    }
  }
}

/** What an instance has of its arena. The arena knows the program that ran last, so whoever held it here would hold that program, too. */
interface Owned {
  readonly arena: WeakRef<Arena>;
  readonly id: number;
  readonly base: number;
  readonly bytes: number;
}

/** Gives the argument blocks of programs back that nobody holds any more. */
const released = new FinalizationRegistry<Owned>(({ arena: ref, id, base, bytes }) => {
  const arena = ref.deref();
  arena?.pool?.forget(id);
  arena?.freeBlocks(base, bytes);
});

const hostCallers = (instance: WeakRef<Instance>): Readonly<Record<string, WebAssembly.ImportValue>> => ({
  host: (id: number, block: number) => instance.deref()?.host(id, block),
  offload: (slot: number, at: number, address: number, bytes: number) =>
    instance.deref()?.transfer("offload", slot, at, address, bytes),
  restore: (slot: number, at: number, address: number, bytes: number) =>
    instance.deref()?.transfer("restore", slot, at, address, bytes),
});

/** A row for each of the largest buffers. */
function largest({ layout }: Compiled): string {
  const rows = [...layout.intervals].sort((a, b) => b.bytes - a.bytes).slice(0, 5);
  return rows
    .map(
      ({ buffer: { bytes, label, source } }) =>
        `  ${sized(bytes)}: ${label}${source === null ? "" : ` from ${String(source)}`}`,
    )
    .join("\n");
}

const tooLarge = (compiled: Compiled): string =>
  `a program was to run whose peak is ${sized(compiled.layout.size)}, more than the budget of ${sized(arenaLimit)} that 32-bit memory has for it. ` +
  `The largest buffers:\n${largest(compiled)}\nCheckpoint more of it, work on smaller batches, or give jit a budget ({ memory }).`;

/** What a run throws when there is no room for what it makes outside of the arena: its results, and what the reference engine computes. */
export const noRoom = ({ compiled }: Instance, cause: Error): OutOfMemoryError =>
  new OutOfMemoryError(
    `a program ran whose peak is ${sized(compiled.layout.size)}, within the budget of ${sized(arenaLimit)}, but the system gives no more memory for its results (${cause.message}). ` +
      `The largest buffers:\n${largest(compiled)}\nLet go of arrays that are no longer needed, or work on smaller batches.`,
    { cause },
  );
