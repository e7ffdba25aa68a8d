/**
 * What a loop kernel reads: the addresses of its accesses at the place where the loops stand, and the vectors that lie there. What doesn't change
 * along a row (addresses of its beginning, values without a stride, guards of outer dimensions) is computed once for it.
 */
import { dtypes, type DType } from "../../../core/dtype.ts";
import type { FunctionBuilder, Local } from "../encode/function.ts";
import { roundHalf } from "./conversions.ts";
import { loadSplat, loadStrided, loadVector } from "./lanes.ts";
import type { LoopPlan, PlannedNode } from "./loopPlan.ts";
import { formOf, type VectorCode } from "./vectorCode.ts";

type Load = Extract<PlannedNode, { kind: "load" }>;

export class LoopReads {
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
  readonly rows = new Map<string, Local>();
  /** Vectors that don't change along the row. */
  rowValues = new Map<number, Local>();
  rowMasks = new Map<number, Local>();

  constructor(f: FunctionBuilder, plan: LoopPlan, c: VectorCode) {
    this.f = f;
    this.plan = plan;
    this.c = c;
    this.rank = plan.dims.length;
    this.inner = plan.dims[this.rank - 1];
    this.bases = plan.slots.map(() => f.local("i32"));
    this.outer = plan.dims.slice(0, -1).map(() => f.local("i32"));
    this.j = f.local("i32");
    f.hoist(() => {
      this.bases.forEach((base, slot) => {
        f.get(0)
          .mem("i32.load", 4 * slot)
          .set(base);
      });
    });
  }

  /** Computes what is the same along the whole row. */
  startRow(): void {
    this.rows.clear();
    this.rowValues = new Map();
    this.rowMasks = new Map();
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
        this.rowMasks.set(i, inside);
      }
      const hasInner = node.guards.length > outerGuards.length;
      const stride = this.innerStride(node);
      this.rowAddress(node, this.rowMasks.get(i));
      if (stride === 0 && !hasInner) {
        loadSplat(this.c, node.dtype, this.rowAddress(node, this.rowMasks.get(i)), 0);
        this.guarded(node, this.rowMasks.get(i));
        this.rowValues.set(i, this.c.keep());
      }
    });
    for (const x of [...plan.stores, ...plan.reductions]) this.rowAddress(x, undefined);
  }

  innerStride(x: { readonly strides: readonly number[] }): number {
    return x.strides[this.rank - 1];
  }

  /** The address of the row's first place; where a guard keeps the row away from memory, that of the buffer. */
  rowAddress(
    x: { readonly slot: number; readonly dtype: DType; readonly strides: readonly number[]; readonly offset: number },
    inside: Local | undefined,
  ): Local {
    const { f } = this;
    const size = dtypes[x.dtype].bytes;
    const key = `${String(x.slot)} ${String(size)} ${x.strides.slice(0, -1).join()} ${String(x.offset)} ${String(inside)}`;
    let local = this.rows.get(key);
    if (local !== undefined) return local;
    local = f.local("i32");
    this.rows.set(key, local);
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
  guarded(node: Load, inside: Local | undefined): void {
    if (inside === undefined || node.fill === null) return;
    const { f, c } = this;
    f.get(c.element(node.fill, node.dtype));
    f.i32(0).get(inside).op("i32.sub", "i32x4.splat", "v128.bitselect");
  }

  /** The address of place j of an access, without the constant part. */
  address(
    x: { readonly slot: number; readonly dtype: DType; readonly strides: readonly number[]; readonly offset: number },
    _offset: number,
    inside?: Local,
  ): Local {
    const { f } = this;
    const row = this.rowAddress(x, inside);
    const step = this.innerStride(x) * dtypes[x.dtype].bytes;
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
  at(x: { readonly dtype: DType; readonly strides: readonly number[] }, offset: number): number {
    const step = this.innerStride(x) * dtypes[x.dtype].bytes;
    return step < 0 ? 0 : step * offset;
  }

  loadNode(node: Load, i: number, offset: number, addresses: Map<string, Local>, count: number, rest?: Local): Local {
    const { f, c } = this;
    const rowMask = this.rowMasks.get(i);
    const innerGuard = node.guards.find((g) => g.dim === this.rank - 1);
    const stride = this.innerStride(node);
    const size = dtypes[node.dtype].bytes;
    const key = `${String(node.slot)} ${String(size)} ${node.strides.join()} ${String(node.offset)} ${String(rowMask)} ${innerGuard === undefined ? "" : "g"}`;
    let address = addresses.get(key);
    if (address === undefined) {
      address = this.address(node, offset, rowMask);
      addresses.set(key, address);
    }
    let at = this.at(node, offset);
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
    else this.loadApart(node, address, at, stride * size, count, rest);
    this.guarded(node, rowMask);
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
  loadApart(node: Load, address: Local, at: number, step: number, count: number, rest?: Local): void {
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
  indexNode(node: Extract<PlannedNode, { kind: "index" }>, offset: number): Local {
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
    roundHalf(c, node.dtype);
    return c.keep();
  }
}
