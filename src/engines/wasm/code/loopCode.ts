/**
 * The code of a loop kernel: one function of an argument block (the addresses of its buffers) and a range of units. Dimensions of the box are nested
 * loops; the last one runs in vectors. What doesn't move along it is loaded once per row, and lanes beyond its end are computed with the rest
 * but never stored or folded.
 */
import { dtypes } from "../../../core/dtype.ts";
import { BLOCK } from "../../../compile/loop.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import type { HostFunction } from "./host.ts";
import { loadSplat, loadVector, storeVector } from "./lanes.ts";
import { LoopReads } from "./loopReads.ts";
import { combine, foldOf, horizontal, type FoldCode } from "./folds.ts";
import type { LoopPlan, PlannedReduction } from "./loopPlan.ts";
import type { LoopPhase } from "./loopPhases.ts";
import { LoopStrips } from "./loopStrips.ts";
import { emitScalarOp, type ScalarOp } from "./scalarOps.ts";
import { formOf, VectorCode } from "./vectorCode.ts";

/** Vectors that are folded side by side: part of the order of summation. */
const UNROLL = 4;

export function emitLoop(
  module: ModuleBuilder,
  plan: LoopPlan,
  host: (name: HostFunction) => Callable,
  scratch: number,
): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  new LoopEmitter(f, plan, host, scratch).emit();
  return f;
}

class LoopEmitter {
  readonly f: FunctionBuilder;
  readonly plan: LoopPlan;
  readonly c: VectorCode;
  readonly reads: LoopReads;
  readonly inner: number;
  readonly rank: number;
  /** Indices of the outer dimensions. */
  readonly outer: readonly Local[];
  /** The place along the last dimension. */
  readonly j: Local;
  readonly strips: LoopStrips;

  constructor(f: FunctionBuilder, plan: LoopPlan, host: (name: HostFunction) => Callable, scratch: number) {
    this.f = f;
    this.plan = plan;
    this.c = new VectorCode(f, plan.wide, host);
    this.reads = new LoopReads(f, plan, this.c);
    this.rank = plan.dims.length;
    this.inner = plan.dims[this.rank - 1];
    this.outer = this.reads.outer;
    this.j = this.reads.j;
    this.strips = new LoopStrips(f, plan, this.c, this.j, scratch);
  }

  emit(): void {
    const { plan } = this;
    if (this.rank === 1) {
      this.reads.startRow();
      if (plan.reductions.length > 0) this.#foldedRow();
      else this.#blockedRow();
      return;
    }
    this.#nest(0);
  }

  /** The loops over all dimensions but the last. */
  #nest(dim: number): void {
    const { f, plan } = this;
    const inside = (): void => {
      if (dim + 2 < this.rank) this.#nest(dim + 1);
      else {
        this.reads.startRow();
        if (plan.reductions.length > 0 && plan.reduced[this.rank - 1]) this.#foldedRow();
        else this.#plainRow();
      }
    };
    const i = this.outer[dim];
    if (dim === 0) f.forRange(i, () => f.get(1), { local: 2 }, 1, inside);
    else f.forRange(i, 0, plan.dims[dim], 1, inside);
  }

  /** A row without folds along it, or folds of other dimensions only. */
  #plainRow(): void {
    const { f, c } = this;
    const full = this.inner - (this.inner % c.lanes);
    if (full > 0) {
      this.#walk(0, full, c.lanes, (phase) => {
        this.#vector(0, c.lanes, phase);
      });
    }
    if (full < this.inner) {
      f.i32(full).set(this.j);
      this.#vector(0, this.inner - full);
    }
  }

  /** A single dimension: units are blocks of it. */
  #blockedRow(): void {
    const { f, c } = this;
    const full = this.inner - (this.inner % c.lanes);
    const stop = f.local("i32");
    f.get(2)
      .i32(BLOCK)
      .op("i32.mul")
      .i32(full)
      .get(2)
      .i32(BLOCK)
      .op("i32.mul")
      .i32(full)
      .op("i32.lt_u", "select")
      .set(stop);
    this.#walk(
      () => f.get(1).i32(BLOCK).op("i32.mul"),
      { local: stop },
      c.lanes,
      (phase) => {
        this.#vector(0, c.lanes, phase);
      },
    );
    if (full < this.inner) {
      f.get(2).i32(BLOCK).op("i32.mul").i32(this.inner).op("i32.ge_u");
      f.if(() => {
        f.i32(full).set(this.j);
        this.#vector(0, this.inner - full);
      });
    }
  }

  /** A row that is folded: blocks with accumulators side by side. */
  #foldedRow(): void {
    const { f, c, plan } = this;
    const folds = plan.reductions.map((r) => foldOf(r.fold, r.dtype));
    const width = UNROLL * c.lanes;
    const accumulators = plan.reductions.map(() => Array.from({ length: UNROLL }, () => c.temp()));
    const block = f.local("i32");
    const blocks = Math.ceil(this.inner / BLOCK);
    const stop = f.local("i32");
    const body = (): void => {
      accumulators.forEach((locals, r) => {
        for (const acc of locals) {
          folds[r].neutral(c);
          f.set(acc);
        }
      });
      f.get(block).i32(1).op("i32.add").i32(BLOCK).op("i32.mul").set(stop);
      if (blocks * BLOCK !== this.inner)
        f.get(stop).i32(this.inner).get(stop).i32(this.inner).op("i32.lt_u", "select").set(stop);
      const start = (): FunctionBuilder => f.get(block).i32(BLOCK).op("i32.mul");
      const ragged = this.inner % width !== 0;
      const fold = (withEnd: boolean, phase: LoopPhase | null): void => {
        for (let u = 0; u < UNROLL; u++) this.#foldVector(u, accumulators, folds, withEnd, phase);
      };
      if (this.strips.phases.length === 1) {
        f.forRange(this.j, start, { local: stop }, width, () => {
          fold(ragged, null);
        });
      } else {
        const full = this.inner - (this.inner % width);
        const even = f.local("i32");
        f.get(stop).i32(full).get(stop).i32(full).op("i32.lt_u", "select").set(even);
        this.#walk(start, { local: even }, width, (phase) => {
          fold(false, phase);
        });
        if (ragged) {
          f.forRange(
            this.j,
            () => f.get(even),
            { local: stop },
            width,
            () => {
              fold(true, null);
            },
          );
        }
      }
      plan.reductions.forEach((r, k) => {
        this.#finishFold(r, folds[k], accumulators[k], block);
      });
    };
    if (this.rank === 1) f.forRange(block, () => f.get(1), { local: 2 }, 1, body);
    else if (blocks === 1) {
      f.i32(0).set(block);
      body();
    } else f.forRange(block, 0, blocks, 1, body);
  }

  #foldVector(
    u: number,
    accumulators: readonly (readonly Local[])[],
    folds: readonly FoldCode[],
    ragged: boolean,
    phase: LoopPhase | null,
  ): void {
    const { f, c, plan } = this;
    if (!ragged) {
      const values = this.#vector(u * c.lanes, c.lanes, phase);
      plan.reductions.forEach((r, k) => {
        const acc = accumulators[k][u];
        f.get(acc).get(values[r.node]);
        folds[k].step(c);
        f.set(acc);
      });
      return;
    }
    // Lanes beyond the end fold the neutral element; vectors beyond it aren't computed.
    const rest = f.local("i32");
    f.i32(this.inner - u * c.lanes)
      .get(this.j)
      .op("i32.sub")
      .set(rest);
    f.get(rest).i32(0).op("i32.gt_s");
    f.if(() => {
      const values = this.#ragged(u * c.lanes, rest);
      plan.reductions.forEach((r, k) => {
        const acc = accumulators[k][u];
        f.get(acc);
        f.get(values[r.node]);
        folds[k].neutral(c);
        f.get(this.#laneMask(rest, formOf(r.dtype)));
        f.op("v128.bitselect");
        folds[k].step(c);
        f.set(acc);
      });
    });
  }

  /** All ones in the lanes before `rest`. */
  #laneMask(rest: Local, form: string): Local {
    const { f, c } = this;
    const numbers = Int32Array.of(0, 1, 2, 3);
    f.get(c.bytes(new Uint8Array(numbers.buffer)))
      .get(rest)
      .op("i32x4.splat", "i32x4.lt_s");
    if (c.wide && (form === "f64" || form === "i64" || form === "mask")) f.op("i64x2.extend_low_i32x4_s");
    return c.keep();
  }

  /** A vector of which only the lanes before `rest` are stored. */
  #ragged(offset: number, rest: Local): Local[] {
    const { f, c } = this;
    const values = this.#compute(offset, c.lanes, rest);
    if (this.plan.stores.length > 0) {
      f.get(rest).i32(c.lanes).op("i32.ge_s");
      f.if(
        () => {
          this.#store(values, offset, c.lanes);
        },
        () => {
          const tail = this.inner % c.lanes;
          if (tail > 0) this.#store(values, offset, tail);
        },
      );
    }
    return values;
  }

  /** The block's value joins the result: the first one the neutral element, others what is there. */
  #finishFold(r: PlannedReduction, fold: FoldCode, accumulators: readonly Local[], block: Local): void {
    const { f, c, plan } = this;
    combine(c, fold, accumulators);
    const value = horizontal(c, fold, r.dtype);
    const address = this.reads.rowAddress(r, undefined);
    const first = f.local("i32");
    f.get(block);
    this.outer.forEach((i, d) => {
      if (plan.reduced[d]) f.get(i).op("i32.or");
    });
    f.op("i32.eqz").set(first);
    const before = c.temp();
    fold.neutral(c);
    f.set(before);
    f.get(first).op("i32.eqz");
    f.if(() => {
      loadSplat(c, r.dtype, address, 0);
      f.set(before);
    });
    f.get(before).get(value);
    fold.step(c);
    const out = c.keep();
    storeVector(c, r.dtype, out, address, 0, 1, dtypes[r.dtype].bytes);
  }

  #walk(
    start: number | (() => void),
    end: { local: Local } | number,
    step: number,
    last: (phase: LoopPhase | null) => void,
  ): void {
    this.strips.walk(start, end, step, (phase) => this.#compute(0, this.c.lanes, undefined, phase), last);
  }

  /** Computes and stores one vector at j + offset. */
  #vector(offset: number, count: number, phase: LoopPhase | null = null): Local[] {
    const values = this.#compute(offset, count, undefined, phase);
    this.#store(values, offset, count);
    if (this.plan.reductions.length > 0 && !this.plan.reduced[this.rank - 1]) this.#foldAcross(values, offset, count);
    return values;
  }

  /** Folds of outer dimensions: the results lie along the row. */
  #foldAcross(values: readonly Local[], offset: number, count: number): void {
    const { f, c, plan } = this;
    for (const r of plan.reductions) {
      const fold = foldOf(r.fold, r.dtype);
      const address = this.reads.address(r, offset);
      const at = this.reads.at(r, offset);
      const before = c.temp();
      fold.neutral(c);
      f.set(before);
      let any = false;
      this.outer.forEach((i, d) => {
        if (!plan.reduced[d]) return;
        f.get(i);
        if (any) f.op("i32.or");
        any = true;
      });
      f.if(() => {
        loadVector(c, r.dtype, address, at);
        f.set(before);
      });
      f.get(before).get(values[r.node]);
      fold.step(c);
      const out = c.keep();
      storeVector(c, r.dtype, out, address, at, count, dtypes[r.dtype].bytes);
    }
  }

  #store(values: readonly Local[], offset: number, count: number): void {
    for (const s of this.plan.stores) {
      const step = this.reads.innerStride(s) * dtypes[s.dtype].bytes;
      storeVector(
        this.c,
        s.dtype,
        values[s.node],
        this.reads.address(s, offset),
        this.reads.at(s, offset),
        count,
        step,
      );
    }
  }

  /** The values of all nodes at j + offset, in `count` lanes; where `rest` is given, in the lanes before it only. */
  #compute(offset: number, count: number, rest?: Local, phase: LoopPhase | null = null): Local[] {
    const { c, plan } = this;
    const values: Local[] = [];
    const addresses = new Map<string, Local>();
    plan.nodes.forEach((node, i) => {
      const slot = phase?.from.get(i);
      if (slot !== undefined) {
        this.strips.pushKept(slot, offset);
        values.push(c.keep());
        return;
      }
      if (phase?.nodes.has(i) === false) {
        values.push(-1);
        return;
      }
      switch (node.kind) {
        case "constant":
          values.push(c.element(node.value, node.dtype));
          break;
        case "load":
          values.push(this.reads.rowValues.get(i) ?? this.reads.loadNode(node, i, offset, addresses, count, rest));
          break;
        case "index":
          values.push(this.reads.indexNode(node, offset));
          break;
        case "op": {
          const op: ScalarOp = {
            name: node.name,
            params: node.params,
            from: node.args.map((a) => plan.nodes[a].dtype),
            to: node.dtype,
          };
          emitScalarOp(
            c,
            node.args.map((a) => values[a]),
            op,
          );
          values.push(c.keep());
        }
      }
    });
    return values;
  }
}
