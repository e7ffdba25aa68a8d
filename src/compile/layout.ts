/**
 * The arena: where each buffer lies. Two buffers share memory if they don't live at the same time. The size of the arena is known before
 * anything runs, and is what a run takes.
 *
 * Places are given by two rules, and the better result is kept: the largest buffer first, at the lowest gap that it fits in; and, for programs of
 * any length, in the order of time from a list of free stretches, the one that fits best.
 */
import { lifetimesOf } from "./lifetimes.ts";
import { assignSlots, type HostInterval, type HostLayout } from "./hostSlots.ts";
import type { Buffer, Program, Step } from "./program.ts";

export const ALIGNMENT = 64;

export interface Interval {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Rounded up to the alignment. */
  readonly bytes: number;
}

export interface Layout {
  /** Bytes of the arena: the peak. */
  readonly size: number;
  /** The most bytes that live at one time: no layout takes less. */
  readonly lowerBound: number;
  readonly argumentBytes: number;
  readonly constantBytes: number;
  readonly outputBytes: number;
  readonly intervals: readonly Interval[];
  /** What lies out of the arena. */
  readonly host: HostLayout;
  /** The step of each moment; null where a loop begins or ends. */
  readonly steps: readonly (Step | null)[];
}

const LARGEST_FIRST_LIMIT = 3000;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export function layOut(program: Program): Layout {
  const { touches, order } = lifetimesOf(program);
  const forever = order.length;
  const outputs = new Set<Buffer>();
  for (const out of program.outputs) if (out.kind === "buffer") outputs.add(out.buffer.root);
  const fixed: Interval[] = [];
  const free: Interval[] = [];
  const away: HostInterval[] = [];
  const inputs = program.inputs.filter((b) => !b.host);
  const fixedBuffers = new Set([...inputs, ...program.constants.map((c) => c.buffer)]);
  for (const buffer of fixedBuffers) fixed.push({ buffer, start: -1, end: forever, bytes: aligned(buffer.bytes) });
  for (const [buffer, list] of touches) {
    if (fixedBuffers.has(buffer) || buffer.moving) continue;
    const end = outputs.has(buffer) ? forever : list[list.length - 1].time;
    if (buffer.host) {
      if (buffer.kind !== "argument") away.push({ buffer, start: list[0].time, end });
      continue;
    }
    free.push({ buffer, start: list[0].time, end, bytes: aligned(buffer.bytes) });
  }
  // An output that no step writes has no elements.
  for (const buffer of outputs) {
    if (touches.has(buffer) || fixedBuffers.has(buffer)) continue;
    if (buffer.host) away.push({ buffer, start: 0, end: forever });
    else free.push({ buffer, start: 0, end: forever, bytes: 0 });
  }
  let base = 0;
  for (const { buffer, bytes } of fixed) {
    buffer.offset = base;
    base += bytes;
  }
  free.sort((a, b) => a.start - b.start);
  const byTime = bestFitByTime(free);
  let chosen = byTime;
  const lower = liveMaximum(free, forever);
  if (byTime.size > lower && free.length <= LARGEST_FIRST_LIMIT) {
    const bySize = largestFirst(free);
    if (bySize.size < byTime.size) chosen = bySize;
  }
  free.forEach(({ buffer }, i) => (buffer.offset = base + chosen.offsets[i]));
  const sum = (buffers: Iterable<Buffer>): number => {
    let total = 0;
    for (const b of buffers) total += b.bytes;
    return total;
  };
  return {
    size: base + chosen.size,
    lowerBound: base + lower,
    argumentBytes: sum(inputs),
    constantBytes: sum(program.constants.map((c) => c.buffer)),
    outputBytes: sum([...outputs].filter((b) => !b.host)),
    intervals: [...fixed, ...free],
    host: assignSlots(program, away, forever),
    steps: order,
  };
}

/** The most bytes that live at one time. */
function liveMaximum(intervals: readonly Interval[], forever: number): number {
  const change = new Float64Array(forever + 2);
  for (const { start, end, bytes } of intervals) {
    change[start] += bytes;
    change[end + 1] -= bytes;
  }
  let live = 0;
  let most = 0;
  for (const c of change) {
    live += c;
    if (live > most) most = live;
  }
  return most;
}

interface Placed {
  readonly size: number;
  readonly offsets: readonly number[];
}

function largestFirst(intervals: readonly Interval[]): Placed {
  const offsets = new Array<number>(intervals.length).fill(0);
  const order = intervals.map((_, i) => i).sort((a, b) => intervals[b].bytes - intervals[a].bytes || a - b);
  const placed: number[] = [];
  let size = 0;
  for (const i of order) {
    const { start, end, bytes } = intervals[i];
    if (bytes === 0) continue;
    // `placed` stays sorted by offset.
    let at = 0;
    let best = -1;
    let bestGap = Infinity;
    for (const j of placed) {
      const other = intervals[j];
      if (other.end < start || other.start > end) continue;
      const gap = offsets[j] - at;
      if (gap >= bytes && gap < bestGap) {
        best = at;
        bestGap = gap;
      }
      at = Math.max(at, offsets[j] + other.bytes);
    }
    offsets[i] = best >= 0 ? best : at;
    size = Math.max(size, offsets[i] + bytes);
    let k = placed.length;
    placed.push(i);
    while (k > 0 && offsets[placed[k - 1]] > offsets[i]) {
      placed[k] = placed[k - 1];
      placed[--k] = i;
    }
  }
  return { size, offsets };
}

interface Hole {
  at: number;
  bytes: number;
}

function bestFitByTime(intervals: readonly Interval[]): Placed {
  const offsets = new Array<number>(intervals.length).fill(0);
  const ends = intervals.map((_, i) => i).sort((a, b) => intervals[a].end - intervals[b].end);
  const holes: Hole[] = [];
  let size = 0;
  let next = 0;
  intervals.forEach(({ start, bytes }, i) => {
    while (next < ends.length && intervals[ends[next]].end < start) {
      const done = ends[next++];
      giveBack(holes, offsets[done], intervals[done].bytes);
    }
    if (bytes === 0) return;
    let best = -1;
    for (let h = 0; h < holes.length; h++) {
      if (holes[h].bytes >= bytes && (best < 0 || holes[h].bytes < holes[best].bytes)) best = h;
    }
    if (best >= 0) {
      const hole = holes[best];
      offsets[i] = hole.at;
      hole.at += bytes;
      hole.bytes -= bytes;
      if (hole.bytes === 0) holes.splice(best, 1);
      return;
    }
    // The last hole may reach the end of the arena, and grow.
    const last = holes[holes.length - 1];
    if (last !== undefined && last.at + last.bytes === size) {
      offsets[i] = last.at;
      holes.pop();
    } else {
      offsets[i] = size;
    }
    size = Math.max(size, offsets[i] + bytes);
  });
  return { size, offsets };
}

/** Puts a stretch back, joined with its neighbours; holes are sorted by place. */
function giveBack(holes: Hole[], at: number, bytes: number): void {
  if (bytes === 0) return;
  let low = 0;
  let high = holes.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (holes[mid].at < at) low = mid + 1;
    else high = mid;
  }
  const before = holes[low - 1];
  const after = holes[low];
  const joinsBefore = before !== undefined && before.at + before.bytes === at;
  const joinsAfter = after !== undefined && at + bytes === after.at;
  if (joinsBefore) {
    before.bytes += bytes + (joinsAfter ? after.bytes : 0);
    if (joinsAfter) holes.splice(low, 1);
  } else if (joinsAfter) {
    after.at = at;
    after.bytes += bytes;
  } else {
    holes.splice(low, 0, { at, bytes });
  }
}
