/**
 * The greatest flow through a network, and by duality the cheapest set of edges that separates its source from its sink.
 *
 * Dinic's algorithm (1970): levels by breadth first, then a blocking flow by depth first along rising levels, until the sink is cut off. Edges lie
 * in flat arrays, each beside its reverse (edge e and e ^ 1).
 */
export class FlowNetwork {
  readonly #heads: number[] = [];
  readonly #next: number[] = [];
  readonly #to: number[] = [];
  readonly #residual: number[] = [];

  /** A new node's number. */
  node(): number {
    return this.#heads.push(-1) - 1;
  }

  /** An edge that carries at most `capacity`, which may be Infinity. */
  edge(from: number, to: number, capacity: number): void {
    this.#arc(from, to, capacity);
    this.#arc(to, from, 0);
  }

  #arc(from: number, to: number, capacity: number): void {
    this.#next.push(this.#heads[from]);
    this.#heads[from] = this.#to.push(to) - 1;
    this.#residual.push(capacity);
  }

  /** Pushes all the flow there can be. Infinite if nothing finite separates the two. */
  maximize(source: number, sink: number): number {
    let total = 0;
    for (;;) {
      const levels = this.#levels(source, sink);
      if (levels[sink] < 0) return total;
      const pushed = this.#blockingFlow(source, sink, levels);
      if (pushed === Infinity) return Infinity;
      total += pushed;
    }
  }

  #levels(source: number, sink: number): Int32Array {
    const levels = new Int32Array(this.#heads.length).fill(-1);
    levels[source] = 0;
    const queue = [source];
    for (let i = 0; i < queue.length && levels[sink] < 0; i++) {
      for (let e = this.#heads[queue[i]]; e >= 0; e = this.#next[e]) {
        const to = this.#to[e];
        if (this.#residual[e] > 0 && levels[to] < 0) {
          levels[to] = levels[queue[i]] + 1;
          queue.push(to);
        }
      }
    }
    return levels;
  }

  /** Saturates every path along rising levels. `current` is the edge to try next at each node: none is tried twice. */
  #blockingFlow(source: number, sink: number, levels: Int32Array): number {
    const current = [...this.#heads];
    const path: number[] = [];
    let total = 0;
    let at = source;
    for (;;) {
      if (at === sink) {
        let least = Infinity;
        for (const e of path) least = Math.min(least, this.#residual[e]);
        if (least === Infinity) return Infinity;
        for (const e of path) {
          this.#residual[e] -= least;
          this.#residual[e ^ 1] += least;
        }
        total += least;
        const first = path.findIndex((e) => this.#residual[e] === 0);
        at = this.#to[path[first] ^ 1];
        path.length = first;
        continue;
      }
      const e = current[at];
      if (e < 0) {
        if (path.length === 0) return total;
        const back = path.pop() as number;
        at = this.#to[back ^ 1];
        current[at] = this.#next[current[at]];
      } else if (this.#residual[e] > 0 && levels[this.#to[e]] === levels[at] + 1) {
        path.push(e);
        at = this.#to[e];
      } else {
        current[at] = this.#next[e];
      }
    }
  }

  /** After `maximize`: for each node, whether it lies on the sink's side of the cheapest cut that is nearest to the sink. */
  sinkSide(sink: number): boolean[] {
    const side = this.#heads.map(() => false);
    side[sink] = true;
    const queue = [sink];
    for (const node of queue) {
      for (let e = this.#heads[node]; e >= 0; e = this.#next[e]) {
        const from = this.#to[e];
        if (this.#residual[e ^ 1] > 0 && !side[from]) {
          side[from] = true;
          queue.push(from);
        }
      }
    }
    return side;
  }
}
