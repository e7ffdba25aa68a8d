/**
 * The code of a loop kernel: one function of an argument block (the addresses of its buffers) and a range of units. Dimensions of the box are nested
 * loops; the last one runs in vectors. What doesn't move along it is loaded once per row, and lanes beyond its end are computed with the rest
 * but never stored or folded.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import { BLOCK } from "../../../compile/loop.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import type { HostFunction } from "./host.ts";
import { loadSplat, loadStrided, loadVector, storeVector } from "./lanes.ts";
import { combine, foldOf, horizontal, type FoldCode } from "./folds.ts";
import type { LoopPlan, PlannedNode, PlannedReduction } from "./loopPlan.ts";
import { emitScalarOp, type ScalarOp } from "./scalarOps.ts";
import { formOf, VectorCode } from "./vectorCode.ts";

/** Vectors that are folded side by side: part of the order of summation. */
const UNROLL = 4;

export function emitLoop(
  module: ModuleBuilder,
  plan: LoopPlan,
  host: (name: HostFunction) => Callable,
): FunctionBuilder {
  const f = module.func(["i32", "i32", "i32"]);
  new LoopEmitter(f, plan, host).emit();
  return f;
}

type Load = Extract<PlannedNode, { kind: "load" }>;

class LoopEmitter {
  readonly f: FunctionBuilder;
  readonly plan: LoopPlan;
  readonly c: VectorCode;
  readonly inner: number;
  readonly rank: number;
  /** Addresses of the slots. */
  readonly bases: readonly Local[];
  /** Indices of the outer dimensions. */
  readonly outer: readonly Local[];
  /** The place along the last dimension. */
  readonly j: Local;
  /** Addresses at the beginning of the row, by the access. */
  readonly #rows = new Map<string, Local>();
  /** Vectors that don't change along the row. */
  #rowValues = new Map<number, Local>();
  #rowMasks = new Map<number, Local>();

  constructor(f: FunctionBuilder, plan: LoopPlan, host: (name: HostFunction) => Callable) {
    this.f = f;
    this.plan = plan;
    this.c = new VectorCode(f, plan.wide, host);
    this.rank = plan.dims.length;
    this.inner = plan.dims[this.rank - 1];
    this.bases = plan.slots.map(() => f.local("i32"));
    this.outer = plan.dims.slice(0, -1).map(() => f.local("i32"));
    this.j = f.local("i32");
  }

  emit(): void {
    const { f, plan } = this;
    f.hoist(() => {
      this.bases.forEach((base, slot) =>
        f
          .get(0)
          .mem("i32.load", 4 * slot)
          .set(base),
      );
    });
    if (this.rank === 1) {
      this.#startRow();
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
        this.#startRow();
        if (plan.reductions.length > 0 && plan.reduced[this.rank - 1]) this.#foldedRow();
        else this.#plainRow();
      }
    };
    const i = this.outer[dim];
    if (dim === 0) f.forRange(i, () => f.get(1), { local: 2 }, 1, inside);
    else f.forRange(i, 0, plan.dims[dim], 1, inside);
  }

  /** Computes what is the same along the whole row. */
  #startRow(): void {
    this.#rows.clear();
    this.#rowValues = new Map();
    this.#rowMasks = new Map();
    const { f, plan } = this;
    plan.nodes.forEach((node, i) => {
      if (node.kind !== "load") return;
      const outerGuards = node.guards.filter((g) => g.dim < this.rank - 1);
      if (outerGuards.length > 0) {
        outerGuards.forEach((g, k) => {
          // One unsigned comparison tests both bounds.
          f.get(this.outer[g.dim])
            .i32(g.lo)
            .op("i32.sub")
            .i32(g.hi - g.lo)
            .op("i32.lt_u");
          if (k > 0) f.op("i32.and");
        });
        const inside = f.local("i32");
        f.set(inside);
        this.#rowMasks.set(i, inside);
      }
      const hasInner = node.guards.length > outerGuards.length;
      const stride = this.#innerStride(node);
      this.#rowAddress(node, this.#rowMasks.get(i));
      if (stride === 0 && !hasInner) {
        loadSplat(this.c, node.dtype, this.#rowAddress(node, this.#rowMasks.get(i)), 0);
        this.#guarded(node, this.#rowMasks.get(i));
        this.#rowValues.set(i, this.c.keep());
      }
    });
    for (const x of [...plan.stores, ...plan.reductions]) this.#rowAddress(x, undefined);
  }

  #innerStride(x: { readonly strides: readonly number[] }): number {
    return x.strides[this.rank - 1];
  }

  /** The address of the row's first place; where a guard keeps the row away from memory, that of the buffer. */
  #rowAddress(
    x: { readonly slot: number; readonly dtype: DType; readonly strides: readonly number[]; readonly offset: number },
    inside: Local | undefined,
  ): Local {
    const { f } = this;
    const size = dtypes[x.dtype].bytes;
    const key = `${String(x.slot)} ${String(size)} ${x.strides.slice(0, -1).join()} ${String(x.offset)} ${String(inside)}`;
    let local = this.#rows.get(key);
    if (local !== undefined) return local;
    local = f.local("i32");
    this.#rows.set(key, local);
    const base = this.bases[x.slot];
    f.get(base);
    if (x.offset !== 0) f.i32(x.offset * size).op("i32.add");
    this.outer.forEach((i, d) => {
      if (x.strides[d] === 0) return;
      f.get(i)
        .i32(x.strides[d] * size)
        .op("i32.mul", "i32.add");
    });
    if (inside !== undefined) f.get(base).get(inside).op("select");
    f.set(local);
    return local;
  }

  /** Replaces the vector on the stack by the fill where a guard says so. */
  #guarded(node: Load, inside: Local | undefined): void {
    if (inside === undefined || node.fill === null) return;
    const { f, c } = this;
    f.get(c.element(node.fill, node.dtype));
    f.i32(0).get(inside).op("i32.sub", "i32x4.splat", "v128.bitselect");
  }

  /** A row without folds along it, or folds of other dimensions only. */
  #plainRow(): void {
    const { f, c } = this;
    const full = this.inner - (this.inner % c.lanes);
    if (full > 0) {
      f.forRange(this.j, 0, full, c.lanes, () => {
        this.#vector(0, c.lanes);
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
    f.forRange(
      this.j,
      () => f.get(1).i32(BLOCK).op("i32.mul"),
      { local: stop },
      c.lanes,
      () => {
        this.#vector(0, c.lanes);
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
      const ragged = this.inner % width !== 0;
      f.forRange(
        this.j,
        () => f.get(block).i32(BLOCK).op("i32.mul"),
        { local: stop },
        width,
        () => {
          for (let u = 0; u < UNROLL; u++) this.#foldVector(u, accumulators, folds, ragged);
        },
      );
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
  ): void {
    const { f, c, plan } = this;
    if (!ragged) {
      const values = this.#vector(u * c.lanes, c.lanes);
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
    const address = this.#rowAddress(r, undefined);
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

  /** Computes and stores one vector at j + offset. */
  #vector(offset: number, count: number): Local[] {
    const values = this.#compute(offset, count);
    this.#store(values, offset, count);
    if (this.plan.reductions.length > 0 && !this.plan.reduced[this.rank - 1]) this.#foldAcross(values, offset, count);
    return values;
  }

  /** Folds of outer dimensions: the results lie along the row. */
  #foldAcross(values: readonly Local[], offset: number, count: number): void {
    const { f, c, plan } = this;
    for (const r of plan.reductions) {
      const fold = foldOf(r.fold, r.dtype);
      const address = this.#address(r, offset);
      const at = this.#at(r, offset);
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
      const step = this.#innerStride(s) * dtypes[s.dtype].bytes;
      storeVector(this.c, s.dtype, values[s.node], this.#address(s, offset), this.#at(s, offset), count, step);
    }
  }

  /** The address of place j of an access, without the constant part. */
  #address(
    x: { readonly slot: number; readonly dtype: DType; readonly strides: readonly number[]; readonly offset: number },
    _offset: number,
    inside?: Local,
  ): Local {
    const { f } = this;
    const row = this.#rowAddress(x, inside);
    const step = this.#innerStride(x) * dtypes[x.dtype].bytes;
    const at = f.local("i32");
    f.get(row).get(this.j);
    if (step !== 1) f.i32(step).op("i32.mul");
    f.op("i32.add");
    // The lowest address comes first: offsets of loads are not negative.
    if (step < 0) f.i32((this.c.lanes - 1 + _offset) * step).op("i32.add");
    f.set(at);
    return at;
  }

  /** The constant part of the address at j + offset. */
  #at(x: { readonly dtype: DType; readonly strides: readonly number[] }, offset: number): number {
    const step = this.#innerStride(x) * dtypes[x.dtype].bytes;
    return step < 0 ? 0 : step * offset;
  }

  /** The values of all nodes at j + offset, in `count` lanes; where `rest` is given, in the lanes before it only. */
  #compute(offset: number, count: number, rest?: Local): Local[] {
    const { c, plan } = this;
    const values: Local[] = [];
    const addresses = new Map<string, Local>();
    plan.nodes.forEach((node, i) => {
      switch (node.kind) {
        case "constant":
          values.push(c.element(node.value, node.dtype));
          break;
        case "load":
          values.push(this.#rowValues.get(i) ?? this.#loadNode(node, i, offset, addresses, count, rest));
          break;
        case "index":
          values.push(this.#indexNode(node, offset));
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

  #loadNode(node: Load, i: number, offset: number, addresses: Map<string, Local>, count: number, rest?: Local): Local {
    const { f, c } = this;
    const rowMask = this.#rowMasks.get(i);
    const innerGuard = node.guards.find((g) => g.dim === this.rank - 1);
    const stride = this.#innerStride(node);
    const size = dtypes[node.dtype].bytes;
    const key = `${String(node.slot)} ${String(size)} ${node.strides.join()} ${String(node.offset)} ${String(rowMask)} ${innerGuard === undefined ? "" : "g"}`;
    let address = addresses.get(key);
    if (address === undefined) {
      address = this.#address(node, offset, rowMask);
      addresses.set(key, address);
    }
    let at = this.#at(node, offset);
    if (innerGuard !== undefined) {
      // Near the edges the address may lie outside of memory.
      const safe = f.local("i32");
      f.get(address).i32(at).op("i32.add").get(this.bases[node.slot]);
      f.get(this.j)
        .i32(offset + c.lanes - 1 - innerGuard.lo)
        .op("i32.add")
        .i32(innerGuard.hi - innerGuard.lo + c.lanes - 1);
      f.op("i32.lt_u", "select").set(safe);
      address = safe;
      at = 0;
    }
    if (stride === 1) loadVector(c, node.dtype, address, at);
    else if (stride === 0) loadSplat(c, node.dtype, address, at);
    else this.#loadApart(node, address, at, stride * size, count, rest);
    this.#guarded(node, rowMask);
    if (innerGuard !== undefined && node.fill !== null) {
      f.get(c.element(node.fill, node.dtype));
      const numbers = c.bytes(new Uint8Array(Int32Array.of(0, 1, 2, 3).buffer));
      f.get(this.j).i32(offset).op("i32.add", "i32x4.splat").get(numbers).op("i32x4.add");
      f.get(c.i32(innerGuard.lo))
        .op("i32x4.sub")
        .get(c.i32(innerGuard.hi - innerGuard.lo))
        .op("i32x4.lt_u");
      const form = formOf(node.dtype);
      if (c.wide && form !== "f32" && form !== "i32") f.op("i64x2.extend_low_i32x4_s");
      f.op("v128.bitselect");
    }
    return c.keep();
  }

  /** Elements that don't lie side by side. */
  #loadApart(node: Load, address: Local, at: number, step: number, count: number, rest?: Local): void {
    const { f, c } = this;
    const tail = this.inner % c.lanes;
    if (rest === undefined || tail === 0) {
      loadStrided(c, node.dtype, address, at, step, count);
      return;
    }
    f.get(rest).i32(c.lanes).op("i32.ge_s");
    f.if(
      () => {
        loadStrided(c, node.dtype, address, at, step, c.lanes);
      },
      () => {
        loadStrided(c, node.dtype, address, at, step, tail);
      },
      "v128",
    );
  }

  /** The number of the place, in the order that the strides give. */
  #indexNode(node: Extract<PlannedNode, { kind: "index" }>, offset: number): Local {
    const { f, c } = this;
    const stride = node.strides[this.rank - 1];
    f.i32(node.offset + stride * offset);
    this.outer.forEach((i, d) => {
      if (node.strides[d] !== 0) f.get(i).i32(node.strides[d]).op("i32.mul", "i32.add");
    });
    if (stride !== 0) f.get(this.j).i32(stride).op("i32.mul", "i32.add");
    f.op("i32x4.splat");
    if (stride !== 0) {
      const steps = Int32Array.of(0, stride, 2 * stride, 3 * stride);
      f.get(c.bytes(new Uint8Array(steps.buffer))).op("i32x4.add");
    }
    const form = formOf(node.dtype);
    if (form === "f32") f.op("f32x4.convert_i32x4_s");
    else if (form === "f64") f.op("f64x2.convert_low_i32x4_s");
    else if (form === "i64") f.op("i64x2.extend_low_i32x4_s");
    return c.keep();
  }
}
