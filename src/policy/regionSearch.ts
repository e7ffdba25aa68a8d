/**
 * The curve of peak and recomputation for a checkpointed region: which equations to save for every amount of memory. A search from several starts
 * (everything, nothing, segments cut where little crosses, everything above some cost for each byte) towards a ladder of targets: what holds the peak is
 * given up while it is above the target, cheapest first, and what is dear for its bytes is saved while it stays below. Then points are improved by one
 * equation, or two, more or less. Every point is simulated
 * (`region.ts`). The ladder does not depend on what is asked for, so a bigger budget never gives a slower choice.
 *
 * Segments: Chen et al., Training Deep Nets with Sublinear Memory Cost (2016).
 */
import type { Eqn } from "../core/jaxpr.ts";
import { runRegion, type Region, type RegionCost } from "./region.ts";

export interface RegionPoint extends RegionCost {
  /** The equations that are saved. */
  readonly saves: () => ReadonlySet<Eqn>;
}

const TARGETS = 16;
const STARTS = 3;
/** Up to so many equations, two at a time are changed. */
const PAIRS = 40;
/** Simulations of all equations together that a search may take, in steps. */
const WORK = 2e6;

/** Choices of saved equations with rising peak and falling time; the first has the least peak that was found. */
export function regionFront(region: Region): readonly RegionPoint[] {
  return new Search(region).front();
}

type Choice = Uint8Array<ArrayBuffer>;

interface Point extends RegionPoint {
  readonly choice: Choice;
}

class Search {
  readonly #region: Region;
  /** One equation may stand in several calls of one body: all are saved, or none. */
  readonly #eqns: readonly Eqn[];
  readonly #classOf: Int32Array;
  readonly #bytes: Float64Array;
  readonly #time: Float64Array;
  readonly #points: Point[] = [];
  readonly #seen = new Map<string, Point>();
  #left: number;

  constructor(region: Region) {
    this.#region = region;
    const places = new Map<Eqn, number>();
    this.#classOf = Int32Array.from(region.known, ({ eqn, choosable }) => {
      if (!choosable) return -1;
      const at = places.get(eqn) ?? places.size;
      places.set(eqn, at);
      return at;
    });
    this.#eqns = [...places.keys()];
    this.#bytes = new Float64Array(places.size);
    this.#time = new Float64Array(places.size);
    region.known.forEach(({ makes, time }, i) => {
      const c = this.#classOf[i];
      if (c < 0) return;
      for (const v of makes) this.#bytes[c] += region.values[v].bytes;
      this.#time[c] += time;
    });
    this.#left = Math.max(150, WORK / (region.known.length + region.linear.length + region.values.length + 1));
  }

  front(): readonly RegionPoint[] {
    const starts = this.#starts().map((choice) => ({ choice, cost: this.#run(choice) }));
    const peaks = starts.map(({ cost }) => cost.peak);
    const most = starts[0].cost.peak;
    // Below the least peak of the starts, too: giving up what holds the peak may reach further.
    const least = Math.min(...peaks) * 0.6;
    const ratio = (most / Math.max(1, least)) ** (1 / TARGETS);
    for (let i = TARGETS - 1; i >= 0 && this.#left > 0; i--) {
      const target = least * ratio ** i;
      const near = [...starts].sort(
        (a, b) => Math.max(0, a.cost.peak - target) - Math.max(0, b.cost.peak - target) || a.cost.time - b.cost.time,
      );
      for (const { choice, cost } of near.slice(0, STARTS)) this.#towards(target, choice, cost);
    }
    this.#polish();
    return this.#best();
  }

  /** What no other point beats. */
  #best(): readonly Point[] {
    const all = [...this.#points].sort((a, b) => a.peak - b.peak || a.time - b.time);
    const front: Point[] = [];
    for (const p of all) if (front.length === 0 || p.time < front[front.length - 1].time) front.push(p);
    return front;
  }

  /** Saves one equation more or less, or one for another, at each point of the curve, until nothing gets better or the work is done. */
  #polish(): void {
    const done = new Set<Point>();
    for (;;) {
      const point = this.#best().find((p) => !done.has(p));
      if (point === undefined) return;
      done.add(point);
      const choice = point.choice.slice();
      for (let c = 0; c < choice.length; c++) {
        choice[c] ^= 1;
        if (this.#left <= 0) return;
        this.#run(choice);
        for (let d = 0; d < c && choice.length <= PAIRS; d++) {
          choice[d] ^= 1;
          this.#run(choice);
          choice[d] ^= 1;
        }
        choice[c] ^= 1;
      }
    }
  }

  #run(choice: Choice): RegionCost {
    const key = choice.join("");
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    this.#left--;
    const chosen = choice.slice();
    const saves = (): ReadonlySet<Eqn> => new Set(this.#eqns.filter((_, c) => chosen[c] === 1));
    const point = { ...runRegion(this.#region, (node) => chosen[this.#classOf[node]] === 1), saves, choice: chosen };
    this.#seen.set(key, point);
    this.#points.push(point);
    return point;
  }

  #starts(): Choice[] {
    const n = this.#eqns.length;
    const all = new Uint8Array(n).fill(1);
    const starts = [all, new Uint8Array(n)];
    const density = Array.from({ length: n }, (_, c) => this.#time[c] / Math.max(1, this.#bytes[c]));
    const sorted = [...density].sort((a, b) => a - b);
    for (let i = 1; i < 6; i++) {
      const limit = sorted[Math.floor((n * i) / 6)] ?? 0;
      starts.push(Uint8Array.from(density, (d) => (d > limit ? 1 : 0)));
    }
    for (let count = 2; count <= Math.min(32, this.#region.known.length); count = Math.ceil(count * 1.3)) {
      starts.push(this.#segments(count));
    }
    return starts;
  }

  /** Saves what crosses the borders of so many segments, and all of the last one. */
  #segments(count: number): Choice {
    const { known, values } = this.#region;
    const choice = new Uint8Array(this.#eqns.length);
    const lastRead = new Int32Array(values.length).fill(-1);
    known.forEach(({ reads }, t) => {
      for (const v of reads) lastRead[v] = t;
    });
    const crossing = new Float64Array(known.length + 1);
    values.forEach(({ bytes, maker }, v) => {
      if (maker < 0 || lastRead[v] <= maker) return;
      crossing[maker + 1] += bytes;
      crossing[lastRead[v] + 1] -= bytes;
    });
    for (let p = 1; p <= known.length; p++) crossing[p] += crossing[p - 1];
    const width = known.length / count;
    let border = 0;
    for (let i = 1; i < count; i++) {
      const from = Math.max(border + 1, Math.round((i - 0.5) * width));
      const to = Math.min(known.length - 1, Math.round((i + 0.5) * width));
      let best = from;
      for (let p = from; p <= to; p++) if (crossing[p] < crossing[best]) best = p;
      border = best;
      for (let v = 0; v < values.length; v++) {
        const { maker } = values[v];
        const c = maker < 0 ? -1 : this.#classOf[maker];
        if (c >= 0 && maker < border && lastRead[v] >= border) choice[c] = 1;
      }
    }
    for (let i = border; i < known.length; i++) if (this.#classOf[i] >= 0) choice[this.#classOf[i]] = 1;
    return choice;
  }

  #towards(target: number, start: Choice, startCost: RegionCost): void {
    const choice = start.slice();
    let cost = startCost;
    const density = (c: number): number => this.#time[c] / Math.max(1, this.#bytes[c]);
    while (cost.peak > target && this.#left > 0) {
      const holders = [...new Set(cost.held().map((v) => this.#classAt(v)))]
        .filter((c) => c >= 0 && choice[c] === 1)
        .sort((a, b) => density(a) - density(b) || a - b);
      if (holders.length === 0) return;
      let excess = cost.peak - target;
      for (const c of holders) {
        if (excess <= 0) break;
        choice[c] = 0;
        excess -= this.#bytes[c];
      }
      const next = this.#run(choice);
      if (next.peak >= cost.peak && holders.length < 2) return;
      cost = next;
    }
    if (cost.peak > target) return;
    this.#fill(target, choice, cost);
  }

  #classAt(value: number): number {
    const { maker } = this.#region.values[value];
    return maker < 0 ? -1 : this.#classOf[maker];
  }

  /** Saves more while the peak stays below the target: in ever larger blocks while they fit, in smaller ones where they don't. */
  #fill(target: number, choice: Choice, cost: RegionCost): void {
    const density = (c: number): number => this.#time[c] / Math.max(1, this.#bytes[c]);
    const wanted = [...new Set(cost.recomputed.map((node) => this.#classOf[node]))]
      .filter((c) => c >= 0 && choice[c] === 0)
      .sort((a, b) => density(b) - density(a) || a - b);
    let at = 0;
    let block = 1;
    while (at < wanted.length && this.#left > 0) {
      const some = wanted.slice(at, at + block);
      for (const c of some) choice[c] = 1;
      const next = this.#run(choice);
      if (next.peak <= target && next.time <= cost.time) {
        at += some.length;
        block *= 2;
        cost = next;
      } else {
        for (const c of some) choice[c] = 0;
        if (block === 1) at++;
        else block = Math.max(1, block >> 2);
      }
    }
  }
}
