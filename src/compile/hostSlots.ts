/**
 * Host memory of a program: what is offloaded lies in slots, one array (or one file) each. Values of the same size that are away at different
 * times share a slot. Arguments of host memory are read where the caller has them, and results are handed out in their slots, without a copy.
 */
import type { Block, Buffer, Program } from "./program.ts";
import { stepsIn } from "./steps.ts";

export interface HostInterval {
  readonly buffer: Buffer;
  /** The moments of the offload and of the last restore. */
  readonly start: number;
  readonly end: number;
}

export interface HostSlot {
  readonly kind: "argument" | "output" | "temporary";
  readonly bytes: number;
}

export interface HostLayout {
  /** By the `offset` of host buffers. */
  readonly slots: readonly HostSlot[];
  /** Bytes of all slots but the arguments': what a run takes of host memory. */
  readonly size: number;
  /** The most bytes that are away at one time, arguments not counted. */
  readonly lowerBound: number;
  readonly argumentBytes: number;
  readonly outputBytes: number;
  readonly intervals: readonly HostInterval[];
  readonly traffic: HostTraffic;
}

/** Bytes that a run copies out of the arena, and back; null where branches, or loops of unknown length, decide. */
export interface HostTraffic {
  readonly offloaded: number | null;
  readonly restored: number | null;
}

export function trafficOf(block: Block): HostTraffic {
  const sums: Record<"offload" | "restore", number | null> = { offload: 0, restore: 0 };
  const add = (kind: "offload" | "restore", bytes: number | null): void => {
    const so = sums[kind];
    sums[kind] = so === null || bytes === null ? null : so + bytes;
  };
  for (const step of block.steps) {
    if (step.kind === "offload" || step.kind === "restore") add(step.kind, step.from.bytes);
    if (step.kind === "scan") {
      const { offloaded, restored } = trafficOf(step.body);
      add("offload", offloaded === null ? null : step.length * offloaded);
      add("restore", restored === null ? null : step.length * restored);
    } else if (step.kind === "while" || step.kind === "cond") {
      for (const s of stepsIn({ steps: [step] })) {
        if ((s.kind === "offload" || s.kind === "restore") && s.from.bytes > 0) add(s.kind, null);
      }
    }
  }
  return { offloaded: sums.offload, restored: sums.restore };
}

/** Gives each host buffer its slot. */
export function assignSlots(program: Program, intervals: readonly HostInterval[], moments: number): HostLayout {
  const slots: HostSlot[] = [];
  const sums = { argument: 0, output: 0, temporary: 0 };
  const slot = (kind: HostSlot["kind"], bytes: number): number => {
    sums[kind] += bytes;
    return slots.push({ kind, bytes }) - 1;
  };
  for (const buffer of program.inputs) if (buffer.host) buffer.offset = slot("argument", buffer.bytes);
  const byStart = [...intervals].sort((a, b) => a.start - b.start);
  const byEnd = [...intervals].sort((a, b) => a.end - b.end);
  const free = new Map<number, number[]>();
  let ended = 0;
  for (const { buffer, start } of byStart) {
    while (ended < byEnd.length && byEnd[ended].end < start) {
      const done = byEnd[ended++].buffer;
      if (done.kind === "output") continue;
      const list = free.get(done.bytes);
      if (list === undefined) free.set(done.bytes, [done.offset]);
      else list.push(done.offset);
    }
    if (buffer.kind === "output") buffer.offset = slot("output", buffer.bytes);
    else buffer.offset = free.get(buffer.bytes)?.pop() ?? slot("temporary", buffer.bytes);
  }
  return {
    slots,
    size: sums.output + sums.temporary,
    lowerBound: liveBytes(intervals, moments).reduce((most, n) => Math.max(most, n), 0),
    argumentBytes: sums.argument,
    outputBytes: sums.output,
    intervals,
    traffic: trafficOf(program.body),
  };
}

/** How many bytes are away at each moment. */
export function liveBytes(intervals: readonly HostInterval[], moments: number): Float64Array {
  const change = new Float64Array(moments + 2);
  for (const { buffer, start, end } of intervals) {
    change[start] += buffer.bytes;
    change[end + 1] -= buffer.bytes;
  }
  let live = 0;
  return change.map((c) => (live += c));
}
