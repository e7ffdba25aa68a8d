/** The plans that no other plan beats: a curve of memory against time, smallest peak first. */

export interface FrontPlan {
  readonly peak: number;
  readonly time: number;
  readonly seq: Int32Array;
}

/** Strictly growing in peak, strictly falling in time. */
export type Front = FrontPlan[];

/** The index of the last plan with at most this peak, or -1. */
function indexWithin(front: Front, peak: number): number {
  let low = 0;
  let high = front.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (front[middle].peak <= peak) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The fastest plan with at most this peak. */
export function fastestWithin(front: Front, peak: number): FrontPlan | undefined {
  const at = indexWithin(front, peak);
  return at < 0 ? undefined : front[at];
}

/** Adds a plan, and drops those that it beats; false if it is beaten itself. */
export function addPlan(front: Front, plan: FrontPlan): boolean {
  const at = indexWithin(front, plan.peak);
  if (at >= 0 && front[at].time <= plan.time) return false;
  const from = at >= 0 && front[at].peak === plan.peak ? at : at + 1;
  let to = from;
  while (to < front.length && front[to].time >= plan.time) to++;
  front.splice(from, to - from, plan);
  return true;
}
