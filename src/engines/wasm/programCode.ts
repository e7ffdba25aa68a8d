/**
 * A program as one WebAssembly module. Each step has an argument block: the addresses of its buffers, written once before the program runs; a
 * loop writes those again that move with it, at the start of each round. `run` then is a straight line of calls, with loops and branches in it.
 * Where there are threads, large steps are shared with them.
 */
import { InternalError } from "../../errors.ts";
import { buffersOf } from "../../compile/lifetimes.ts";
import type { LoopKernel } from "../../compile/loop.ts";
import type { Block, Buffer, CallStep, Program, ScanStep, Step, TransferStep } from "../../compile/program.ts";
import { stepsIn } from "../../compile/steps.ts";
import { ARENA } from "./arena.ts";
import { CODE, emitCall } from "./calls/index.ts";
import type { FunctionBuilder, Local } from "./encode/function.ts";
import { ModuleBuilder, type Callable } from "./encode/module.ts";
import { importHost, type HostFunction } from "./code/host.ts";
import { emitLoop } from "./code/loopCode.ts";
import { emitSlice } from "./code/sliceCode.ts";
import { loopKey, planLoop, type LoopPlan } from "./code/loopPlan.ts";
import { shareFunction, type Sharing } from "./threads/shareCode.ts";
import { splitLoop, splitRoutine, type Split } from "./threads/split.ts";
import { writeRoutine, type Pointer, type RoutineCall } from "./routines.ts";

export interface ProgramCode {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Steps that the reference engine performs, by the number with which `host` is called. */
  readonly hostSteps: readonly CallStep[];
  /** The argument blocks. */
  readonly words: Int32Array;
  /** Whether there are steps that threads share; helpers have to know the program then. */
  readonly shares: boolean;
  /** The routines that it calls. */
  readonly routines: readonly string[];
}

/** Steps in one function of the module. */
const CHUNK = 200;

/** A word of an argument block that holds the address of a buffer, or of a place behind its beginning. */
interface Slot extends Pointer {
  readonly at: number;
}

export function emitProgram(program: Program, blockBase: number, sharing: Sharing): ProgramCode {
  return new ProgramEmitter(program, blockBase, sharing).emit(program);
}

/** How many bytes of argument blocks a program has. */
export function blockBytes(block: Block, threads: number): number {
  let bytes = 0;
  for (const step of stepsIn(block)) {
    if (step.kind === "loop") {
      const { reads, writes } = buffersOf(step);
      bytes += 4 * (reads.length + writes.length);
    } else if (step.kind === "call" && (step.routine === "reference" || step.routine === CODE)) {
      bytes += 4 * blockBuffers(step).length;
    } else if (step.kind === "call") {
      const { pointers, words } = writeRoutine(step, threads);
      bytes += 4 * (pointers.length + words.length);
    }
  }
  return bytes;
}

class ProgramEmitter {
  readonly #module = new ModuleBuilder();
  readonly #base: number;
  readonly #sharing: Sharing;
  readonly #host: Callable;
  readonly #scratch: number;
  readonly #math: (name: HostFunction) => Callable;
  readonly #routines = new Map<string, Callable>();
  readonly #words: number[] = [];
  readonly #slots = new Map<Step, readonly Slot[]>();
  readonly #plans = new Map<
    LoopKernel,
    { readonly plan: LoopPlan; readonly code: FunctionBuilder; readonly place: number }
  >();
  readonly #codes = new Map<string, { readonly code: FunctionBuilder; readonly place: number }>();
  readonly #table: Callable[] = [];
  readonly #places = new Map<string, number>();
  /** The functions of equations that have code of their own. */
  readonly #own = new Map<CallStep, FunctionBuilder>();
  readonly #calls = new Map<CallStep, RoutineCall>();
  readonly #blocks = new Map<Step, number>();
  readonly #hostSteps: CallStep[] = [];
  readonly #hostIds = new Map<CallStep, number>();
  readonly #moving = new Map<Buffer, Local>();
  readonly #transfers: Partial<Record<TransferStep["kind"], Callable>> = {};
  /** The arrays of host memory that moving buffers are slices of. */
  readonly #wholes = new Map<Buffer, Buffer>();
  #each: FunctionBuilder | null = null;
  #share: Callable | null = null;

  constructor(program: Program, base: number, sharing: Sharing) {
    this.#base = base;
    this.#sharing = sharing;
    const shared = sharing.threads > 1;
    this.#module.importMemory("env", "memory", shared ? { min: 1, max: 65536, shared } : { min: 1 });
    this.#scratch = this.#module.importGlobal("env", "scratch", "i32");
    this.#host = this.#module.importFunction("env", "host", ["i32", "i32"], []);
    for (const step of stepsIn(program.body)) {
      if (step.kind === "offload" || step.kind === "restore") {
        this.#transfers[step.kind] ??= this.#module.importFunction("env", step.kind, ["i32", "i32", "i32", "i32"], []);
      }
      if (step.kind !== "call" || step.routine === "reference" || step.routine === CODE) continue;
      const call = writeRoutine(step, sharing.threads);
      this.#calls.set(step, call);
      if (this.#routines.has(call.name)) continue;
      const routine = this.#module.importFunction("routines", call.name, ["i32", "i32", "i32"], []);
      this.#routines.set(call.name, routine);
    }
    this.#math = importHost(this.#module);
  }

  emit(program: Program): ProgramCode {
    this.#prepare(program.body);
    const chunks: FunctionBuilder[] = [];
    const { steps } = program.body;
    for (let i = 0; i < steps.length; i += CHUNK) {
      const f = this.#module.func([]);
      for (const step of steps.slice(i, i + CHUNK)) this.#step(f, step);
      chunks.push(f);
    }
    const run = this.#module.func([]);
    for (const f of chunks) run.call(f);
    this.#module.export("run", run);
    this.#module.setTable(this.#table);
    return {
      bytes: this.#module.encode(),
      hostSteps: this.#hostSteps,
      words: Int32Array.from(this.#words),
      shares: this.#share !== null,
      routines: [...this.#routines.keys()],
    };
  }

  /** Gives each step its argument block, and each kernel its code. */
  #prepare(block: Block): void {
    for (const step of stepsIn(block)) {
      if (step.kind === "loop") this.#prepareLoop(step);
      else if (step.kind === "call") this.#prepareCall(step);
    }
  }

  #prepareLoop(step: LoopKernel): void {
    const plan = planLoop(step);
    const key = loopKey(plan);
    let known = this.#codes.get(key);
    if (known === undefined) {
      const code = emitLoop(this.#module, plan, this.#math, this.#scratch);
      known = { code, place: this.#table.push(code) - 1 };
      this.#codes.set(key, known);
    }
    this.#plans.set(step, { plan, ...known });
    this.#block(step, plan.slots.map(whole), []);
  }

  #prepareCall(step: CallStep): void {
    if (step.routine === "reference") {
      this.#hostIds.set(step, this.#hostSteps.push(step) - 1);
      this.#block(step, blockBuffers(step).map(whole), []);
      return;
    }
    if (step.routine === CODE) {
      this.#own.set(step, emitCall(this.#module, step, this.#math));
      this.#block(step, blockBuffers(step).map(whole), []);
      return;
    }
    const call = this.#calls.get(step) as RoutineCall;
    this.#block(step, call.pointers, call.words);
  }

  #block(step: Step, pointers: readonly Pointer[], words: ArrayLike<number>): void {
    const at = this.#base + 4 * this.#words.length;
    this.#blocks.set(step, at);
    this.#slots.set(
      step,
      pointers.map((p, i) => ({ ...p, at: at + 4 * i })),
    );
    for (const { buffer, offset } of pointers) this.#words.push(buffer.root.moving ? 0 : addressOf(buffer) + offset);
    for (let i = 0; i < words.length; i++) this.#words.push(words[i]);
  }

  #step(f: FunctionBuilder, step: Step): void {
    switch (step.kind) {
      case "loop": {
        const { plan, code, place } = this.#plans.get(step) as { plan: LoopPlan; code: FunctionBuilder; place: number };
        const at = this.#blocks.get(step) as number;
        const split = splitLoop(plan, this.#sharing.threads);
        if (split !== null) this.#shared(f, place, at, plan.units, split);
        else if (plan.units <= plan.grain) f.i32(at).i32(0).i32(plan.units).call(code);
        else f.i32(place).i32(at).i32(plan.units).i32(plan.grain).call(this.#eachUnit());
        break;
      }
      case "call":
        this.#call(f, step);
        break;
      case "copy":
        if (step.from.root === step.to.root || step.from.bytes === 0) break;
        this.#address(f, step.to);
        this.#address(f, step.from);
        f.i32(step.from.bytes).memoryCopy();
        break;
      case "offload":
        this.#transfer(f, step, step.to, step.from);
        break;
      case "restore":
        this.#transfer(f, step, step.from, step.to);
        break;
      case "slice":
        emitSlice(f, step, (buffer) => {
          this.#address(f, buffer);
        });
        break;
      case "scan":
        this.#scan(f, step);
        break;
      case "while":
        f.block((done) => {
          f.loop((again) => {
            for (const s of step.cond.steps) this.#step(f, s);
            this.#address(f, step.going);
            f.mem("i32.load8_u").op("i32.eqz").brIf(done);
            for (const s of step.body.steps) this.#step(f, s);
            f.br(again);
          });
        });
        break;
      case "cond":
        this.#branch(f, step.branches, step.index);
        break;
    }
  }

  #transfer(f: FunctionBuilder, { kind }: TransferStep, away: Buffer, here: Buffer): void {
    if (here.bytes === 0) return;
    f.i32(this.#slotOf(away));
    this.#address(f, away);
    this.#address(f, here);
    f.i32(here.bytes).call(this.#transfers[kind] as Callable);
  }

  /** The number of the slot in which a host buffer, or the array that it is a slice of, lies. */
  #slotOf(buffer: Buffer): number {
    const of = this.#wholes.get(buffer.root);
    return of === undefined ? buffer.root.offset : this.#slotOf(of);
  }

  #call(f: FunctionBuilder, step: CallStep): void {
    const at = this.#blocks.get(step) as number;
    if (step.routine === "reference") {
      f.i32(this.#hostIds.get(step) as number)
        .i32(at)
        .call(this.#host);
      return;
    }
    const own = this.#own.get(step);
    if (own !== undefined) {
      f.i32(at).i32(0).i32(1).call(own);
      return;
    }
    const call = this.#calls.get(step) as RoutineCall;
    const routine = this.#routines.get(call.name);
    if (routine === undefined) throw new InternalError(`the runtime module has no routine ${call.name}`);
    const split = splitRoutine(call, this.#sharing.threads);
    if (split === null) {
      f.i32(at).i32(0).i32(call.units).call(routine);
      return;
    }
    let place = this.#places.get(call.name);
    if (place === undefined) this.#places.set(call.name, (place = this.#table.push(routine) - 1));
    this.#shared(f, place, at, call.units, split);
  }

  #shared(f: FunctionBuilder, place: number, at: number, units: number, { grain, chunk }: Split): void {
    this.#share ??= shareFunction(this.#module, this.#sharing);
    f.i32(place).i32(at).i32(units).i32(grain).i32(chunk).call(this.#share);
  }

  #scan(f: FunctionBuilder, step: ScanStep): void {
    if (step.length === 0) return;
    const sliced = [...step.xs, ...step.ys].filter((s) => s.slice.bytes > 0);
    for (const { whole, slice } of sliced) {
      const local = f.local("i32");
      this.#moving.set(slice, local);
      if (whole.host) this.#wholes.set(slice, whole);
      this.#address(f, whole);
      if (step.reverse) f.i32((step.length - 1) * slice.bytes).op("i32.add");
      f.set(local);
    }
    const patches = this.#movingSlots(step.body, new Set(sliced.map((s) => s.slice)));
    const i = f.local("i32");
    f.forRange(i, 0, step.length, 1, () => {
      for (const { at, buffer, offset } of patches) {
        f.i32(at).get(this.#moving.get(buffer.root) as Local);
        if (offset !== 0) f.i32(offset).op("i32.add");
        f.mem("i32.store");
      }
      for (const s of step.body.steps) this.#step(f, s);
      for (const { slice } of sliced) {
        const local = this.#moving.get(slice) as Local;
        f.get(local)
          .i32(step.reverse ? -slice.bytes : slice.bytes)
          .op("i32.add")
          .set(local);
      }
    });
  }

  /** The places in argument blocks that hold addresses of these moving buffers. */
  #movingSlots(block: Block, moving: ReadonlySet<Buffer>): Slot[] {
    const out: Slot[] = [];
    const walk = (b: Block): void => {
      for (const step of b.steps) {
        for (const slot of this.#slots.get(step) ?? []) if (moving.has(slot.buffer.root)) out.push(slot);
        if (step.kind === "scan" || step.kind === "while") walk(step.body);
        if (step.kind === "while") walk(step.cond);
        if (step.kind === "cond") for (const branch of step.branches) walk(branch);
      }
    };
    walk(block);
    return out;
  }

  #branch(f: FunctionBuilder, branches: readonly Block[], index: Buffer): void {
    const which = f.local("i32");
    this.#address(f, index);
    if (index.dtype === "bool") f.mem("i32.load8_u").set(which);
    else f.mem("i32.load").set(which);
    const last = branches.length - 1;
    const choose = (i: number): void => {
      if (i === last) {
        for (const s of branches[i].steps) this.#step(f, s);
        return;
      }
      // Numbers below 0 take the first branch.
      f.get(which).i32(i).op("i32.le_s");
      f.if(
        () => {
          for (const s of branches[i].steps) this.#step(f, s);
        },
        () => {
          choose(i + 1);
        },
      );
    };
    choose(0);
  }

  /** Pushes the address of a buffer; for host buffers, where it begins in its slot. */
  #address(f: FunctionBuilder, buffer: Buffer): void {
    const root = buffer.root;
    if (root.moving) f.get(this.#moving.get(root) as Local);
    else if (root.host) f.i32(0);
    else f.i32(addressOf(buffer));
  }

  /** Calls a kernel of the table for all its units, some at a time. */
  #eachUnit(): FunctionBuilder {
    if (this.#each !== null) return this.#each;
    const f = this.#module.func(["i32", "i32", "i32", "i32"]);
    const u = f.local("i32");
    const end = f.local("i32");
    f.loop((again) => {
      f.get(u).get(3).op("i32.add").set(end);
      f.get(1).get(u);
      f.get(end).get(2).get(end).get(2).op("i32.lt_u", "select");
      f.get(0).callIndirect(["i32", "i32", "i32"], []);
      f.get(end).tee(u).get(2).op("i32.lt_u").brIf(again);
    });
    this.#each = f;
    return f;
  }
}

/** The buffers whose addresses a step without a plan is called with. */
const blockBuffers = ({ operands, outputs, workspace }: CallStep): Buffer[] => [
  ...operands.map((o) => o.buffer),
  ...outputs,
  ...(workspace === null ? [] : [workspace]),
];

const whole = (buffer: Buffer): Pointer => ({ buffer, offset: 0 });

const addressOf = (buffer: Buffer): number => ARENA + buffer.root.offset;
