/**
 * When each buffer is read and written. Steps are numbered in the order in which they stand in the program, those of loops and branches inside
 * their own; what a loop reads of outside lives to its end, since the next round reads it again.
 */
import type { Block, Buffer, Program, Step } from "./program.ts";

export interface Touch {
  readonly time: number;
  readonly writes: boolean;
  readonly step: Step | null;
}

export interface Lifetimes {
  /** By the buffer whose place it is (moving ones too), in the order of time. */
  readonly touches: ReadonlyMap<Buffer, Touch[]>;
  /** The number of each step. */
  readonly times: ReadonlyMap<Step, number>;
  /** For each step, the number of the loop or branch around it, -1 at the top. */
  readonly starts: ReadonlyMap<Step, number>;
  /** All steps that aren't loops or branches, by their numbers. */
  readonly order: readonly (Step | null)[];
}

/** The buffers that a step which holds no blocks reads and writes. */
export function buffersOf(step: Step): { readonly reads: readonly Buffer[]; readonly writes: readonly Buffer[] } {
  switch (step.kind) {
    case "loop":
      return {
        reads: step.nodes.flatMap((n) => (n.kind === "load" ? [n.access.buffer] : [])),
        writes: [...step.stores.map((s) => s.buffer), ...step.reductions.map((r) => r.buffer)],
      };
    case "call":
      return {
        reads: step.operands.map((o) => o.buffer),
        writes: step.workspace === null ? step.outputs : [...step.outputs, step.workspace],
      };
    case "copy":
    case "offload":
    case "restore":
      return { reads: [step.from], writes: [step.to] };
    case "slice": {
      const starts = step.starts.filter((s) => typeof s !== "number");
      return step.writes
        ? { reads: [step.part, ...starts], writes: [step.array] }
        : { reads: [step.array, ...starts], writes: [step.part] };
    }
    default:
      return { reads: [], writes: [] };
  }
}

export function lifetimesOf(program: Program): Lifetimes {
  const touches = new Map<Buffer, Touch[]>();
  const times = new Map<Step, number>();
  const starts = new Map<Step, number>();
  const order: (Step | null)[] = [];
  let touched: Set<Buffer> | null = null;

  const touch = (buffer: Buffer, writes: boolean, step: Step | null): void => {
    const root = buffer.root;
    let list = touches.get(root);
    if (list === undefined) touches.set(root, (list = []));
    list.push({ time: order.length - 1, writes, step });
    touched?.add(root);
  };

  const tick = (step: Step | null): number => order.push(step) - 1;

  const loop = (start: number, inside: () => void): void => {
    const around: Set<Buffer> | null = touched;
    const own = new Set<Buffer>();
    touched = own;
    inside();
    tick(null);
    touched = around;
    for (const root of own) {
      const list = touches.get(root) as Touch[];
      around?.add(root);
      if (list[0].time <= start || root.kind === "argument" || root.kind === "constant") {
        list.push({ time: order.length - 1, writes: false, step: null });
      }
    }
  };

  const walk = (block: Block, start: number): void => {
    for (const step of block.steps) {
      starts.set(step, start);
      const time = tick(step);
      times.set(step, time);
      switch (step.kind) {
        case "scan":
          for (const x of step.xs) touch(x.whole, false, null);
          for (const y of step.ys) touch(y.whole, true, null);
          loop(time, () => {
            walk(step.body, time);
          });
          for (const x of step.xs) touch(x.whole, false, null);
          for (const y of step.ys) touch(y.whole, true, null);
          break;
        case "while":
          loop(time, () => {
            walk(step.cond, time);
            tick(null);
            touch(step.going, false, null);
            walk(step.body, time);
          });
          break;
        case "cond":
          touch(step.index, false, null);
          for (const branch of step.branches) walk(branch, tick(null));
          tick(null);
          break;
        default: {
          const { reads, writes } = buffersOf(step);
          for (const b of reads) touch(b, false, step);
          for (const b of writes) touch(b, true, step);
        }
      }
    }
  };
  walk(program.body, -1);
  return { touches, times, starts, order };
}
