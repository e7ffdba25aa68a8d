/** The code by which a loop kernel goes over a strip once for each of its phases, and what it keeps in the scratch between them. */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import { planPhases, SLOT_BYTES, STRIP, type LoopPhase } from "./loopPhases.ts";
import type { LoopPlan } from "./loopPlan.ts";
import type { VectorCode } from "./vectorCode.ts";

export class LoopStrips {
  readonly #f: FunctionBuilder;
  readonly #c: VectorCode;
  /** The place along the last dimension. */
  readonly #j: Local;
  /** The global that holds the scratch's address. */
  readonly #scratch: number;
  /** The address in the scratch for place j. */
  readonly #at: Local;
  readonly phases: readonly LoopPhase[];

  constructor(f: FunctionBuilder, plan: LoopPlan, c: VectorCode, j: Local, scratch: number) {
    this.#f = f;
    this.#c = c;
    this.#j = j;
    this.#scratch = scratch;
    this.#at = f.local("i32");
    this.phases = planPhases(plan);
  }

  /**
   * Goes over a range of j; where the kernel has phases, strip by strip. The last phase (null where there is but one) goes in steps of `step` and
   * is written by `last`, the others go vector by vector.
   */
  walk(
    start: number | (() => void),
    end: { local: Local } | number,
    step: number,
    compute: (phase: LoopPhase) => readonly Local[],
    last: (phase: LoopPhase | null) => void,
  ): void {
    if (this.phases.length === 1) {
      this.#f.forRange(this.#j, start, end, step, () => {
        last(null);
      });
      return;
    }
    const f = this.#f;
    const strip = f.local("i32");
    const stop = f.local("i32");
    const pushEnd = (): FunctionBuilder => (typeof end === "number" ? f.i32(end) : f.get(end.local));
    f.forRange(strip, start, end, STRIP, () => {
      f.get(strip).i32(STRIP).op("i32.add").set(stop);
      f.get(stop);
      pushEnd().get(stop);
      pushEnd().op("i32.lt_u", "select").set(stop);
      this.phases.forEach((phase, k) => {
        const isLast = k === this.phases.length - 1;
        this.#phase(strip, stop, isLast ? step : this.#c.lanes, () => {
          if (isLast) last(phase);
          else this.#keep(phase, compute(phase));
        });
      });
    });
  }

  /** Pushes a vector that an earlier phase has left, at j + offset. */
  pushKept(slot: number, offset: number): void {
    this.#f.get(this.#at).mem("v128.load", slot * SLOT_BYTES + offset * this.#bytes, 4);
  }

  /** Bytes of the scratch for an element. */
  get #bytes(): number {
    return 16 / this.#c.lanes;
  }

  #phase(strip: Local, stop: Local, step: number, body: () => void): void {
    const f = this.#f;
    this.#c.stretch(() => {
      f.forRange(
        this.#j,
        () => f.get(strip),
        { local: stop },
        step,
        () => {
          f.get(this.#j).get(strip).op("i32.sub").i32(this.#bytes).op("i32.mul");
          f.global(this.#scratch).op("i32.add").set(this.#at);
          body();
        },
      );
    });
  }

  #keep({ to }: LoopPhase, values: readonly Local[]): void {
    for (const [node, slot] of to)
      this.#f
        .get(this.#at)
        .get(values[node])
        .mem("v128.store", slot * SLOT_BYTES, 4);
  }
}
