/** Vectorization: every value may carry one batch axis, and each primitive's batch rule says what the call becomes with it. */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import { withAxisName, type AxisName } from "./axisNames.ts";
import { axisOps, batchInFront, matchAxis } from "./axes.ts";
import type { CustomJvpCall, CustomVjpCall } from "./custom.ts";
import { bind, bindWith, currentTrace, Trace, Tracer, withTrace } from "./interpreter.ts";
import { asFunction } from "./evalJaxpr.ts";
import type { ClosedJaxpr, Params } from "./jaxpr.ts";
import { Memo } from "./memo.ts";
import type { BatchBody, BatchResult, Primitive, Tangent } from "./primitive.ts";
import { captureSource, withSource } from "./source.ts";
import { stage } from "./stage.ts";
import { shapesEqual } from "./aval.ts";
import { UnsupportedError } from "../errors.ts";

/** The axis that a map is over. */
export interface MappedAxis {
  readonly size: number;
  readonly axisName: AxisName | null;
}

export type BatchDim = number | null;

export class BatchTracer extends Tracer {
  readonly trace: BatchTrace;
  readonly value: NDArray;
  readonly dim: number;
  readonly aval: ShapedArray;

  constructor(trace: BatchTrace, value: NDArray, dim: number) {
    super();
    this.trace = trace;
    this.value = value;
    this.dim = dim;
    const shape = value.aval.shape.filter((_, i) => i !== dim);
    this.aval = value.aval.update({ shape });
  }

  override origin(): string {
    return this.value instanceof Tracer
      ? this.value.origin()
      : "\nIt is a value under vmap, which stands for a whole batch.";
  }
}

export class BatchTrace extends Trace {
  readonly parent: Trace;
  readonly size: number;
  readonly axisName: AxisName | null;
  live = true;

  constructor(parent: Trace, size: number, axisName: AxisName | null = null) {
    super();
    this.parent = parent;
    this.size = size;
    this.axisName = axisName;
  }

  /** Runs `fn` in this trace, where the axis is known by its name. */
  run<T>(fn: () => T): T {
    return withAxisName(this.axisName, this.size, () => withTrace(this, fn));
  }

  wrap(x: NDArray, dim: BatchDim): NDArray {
    return dim === null ? x : new BatchTracer(this, x, dim);
  }

  unwrap(x: NDArray): [value: NDArray, dim: BatchDim] {
    return x instanceof BatchTracer && x.trace === this ? [x.value, x.dim] : [x, null];
  }

  private unwrapAll(xs: readonly NDArray[]): { values: NDArray[]; dims: BatchDim[] } {
    const pairs = xs.map((x) => this.unwrap(x));
    return { values: pairs.map((p) => p[0]), dims: pairs.map((p) => p[1]) };
  }

  process(primitive: Primitive, args: readonly NDArray[], params: Params): readonly NDArray[] {
    const { values, dims } = this.unwrapAll(args);
    const unbatched = dims.every((d) => d === null);
    const named = this.axisName !== null && primitive.axisNames?.(params).includes(this.axisName) === true;
    if (unbatched && !named && primitive.batchesBody !== true) return bindWith(this.parent, primitive, values, params);
    const { outs, dims: outDims } = withSource(captureSource(), () =>
      withTrace(this.parent, () => batchPrimitive(primitive, this.size, values, dims, params, this.axisName)),
    );
    return outs.map((x, i) => this.wrap(x, outDims[i]));
  }

  stageValue(value: NDArray): NDArray {
    return value instanceof BatchTracer && value.trace === this ? value : this.parent.stageValue(value);
  }

  override meet(value: NDArray): void {
    this.parent.meet(this.unwrap(value)[0]);
  }

  customJvp(call: CustomJvpCall, args: readonly NDArray[]): readonly NDArray[] {
    const { values, dims } = this.unwrapAll(args);
    let outDims: readonly BatchDim[] = [];
    const batched: CustomJvpCall = {
      ...call,
      fun: (xs) => {
        const result = batchFlat(call.fun, this.size, xs, dims, this.axisName);
        outDims = result.dims;
        return result.outs;
      },
      jvp: (primals, tangents) => {
        const result = batchRule(call, this, dims, primals, tangents);
        outDims = result.dims;
        return result;
      },
    };
    const outs = this.parent.customJvp(batched, values);
    return outs.map((x, i) => this.wrap(x, outDims[i]));
  }

  customVjp(call: CustomVjpCall, args: readonly NDArray[]): readonly NDArray[] {
    const { values, dims } = this.unwrapAll(args);
    let outDims: readonly BatchDim[] = [];
    let residualDims: readonly BatchDim[] = [];
    const batched: CustomVjpCall = {
      ...call,
      fun: (xs) => {
        const result = batchFlat(call.fun, this.size, xs, dims, this.axisName);
        outDims = result.dims;
        return result.outs;
      },
      fwd: (xs, perturbed) => {
        let count = 0;
        const result = batchFlat(
          (ys) => {
            const { outs, residuals } = call.fwd(ys, perturbed);
            count = residuals.length;
            return [...residuals, ...outs];
          },
          this.size,
          xs,
          dims,
          this.axisName,
        );
        residualDims = result.dims.slice(0, count);
        outDims = result.dims.slice(count);
        return { residuals: result.outs.slice(0, count), outs: result.outs.slice(count) };
      },
      bwd: (residuals, cts) => batchBackward(call, this, residuals, residualDims, cts, outDims, dims),
    };
    const outs = this.parent.customVjp(batched, values);
    return outs.map((x, i) => this.wrap(x, outDims[i]));
  }
}

function batchRule(
  call: CustomJvpCall,
  { size, axisName }: MappedAxis,
  dims: readonly BatchDim[],
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
): { primals: NDArray[]; tangents: Tangent[]; dims: BatchDim[] } {
  const trace = new BatchTrace(currentTrace(), size, axisName);
  const outs = trace.run(() =>
    call.jvp(
      primals.map((x, i) => trace.wrap(x, dims[i])),
      tangents.map((t, i) => (t === null ? null : trace.wrap(t, dims[i]))),
    ),
  );
  trace.live = false;
  const ps = outs.primals.map((x) => trace.unwrap(x));
  const ts = outs.tangents.map((t): [Tangent, BatchDim] => (t === null ? [null, null] : trace.unwrap(t)));
  // A primal and its tangent must agree in their batch axis.
  const merged = ps.map(([, d], i) => d ?? ts[i][1]);
  return {
    primals: ps.map(([x, d], i) => matchAxis(size, d, merged[i], x)),
    tangents: ts.map(([t, d], i) => (t === null ? null : matchAxis(size, d, merged[i], t))),
    dims: merged,
  };
}

/** Runs a reverse rule on a batch: cotangents of operands that aren't batched are summed over it. */
export function batchBackward(
  call: Pick<CustomVjpCall, "bwd">,
  { size, axisName }: MappedAxis,
  residuals: readonly NDArray[],
  residualDims: readonly BatchDim[],
  cts: readonly Tangent[],
  ctDims: readonly BatchDim[],
  outDims: readonly BatchDim[],
): Tangent[] {
  const trace = new BatchTrace(currentTrace(), size, axisName);
  const outs = trace.run(() =>
    call.bwd(
      residuals.map((x, i) => trace.wrap(x, residualDims[i])),
      cts.map((ct, i) => (ct === null ? null : trace.wrap(ct, ctDims[i]))),
    ),
  );
  trace.live = false;
  return outs.map((ct, i) => {
    if (ct === null) return null;
    const [x, d] = trace.unwrap(ct);
    return matchAxis(size, d, outDims[i], x, true);
  });
}

/** Applies the batch rule of a primitive; some operand is batched. */
export function batchPrimitive(
  primitive: Primitive,
  size: number,
  args: readonly NDArray[],
  dims: readonly BatchDim[],
  params: Params,
  axisName: AxisName | null = null,
): BatchResult {
  if (primitive.batch !== undefined) {
    return primitive.batch(size, args, dims, params, axisName === null ? batchJaxpr : batchWithin(axisName), axisName);
  }
  if (primitive.elementwise === true) return batchElementwise(primitive, size, args, dims, params);
  throw new UnsupportedError(
    `vmap of '${primitive.name}' was asked for, and there is no rule: Batching rule for '${primitive.name}' not implemented.`,
  );
}

function batchElementwise(
  primitive: Primitive,
  size: number,
  args: readonly NDArray[],
  dims: readonly BatchDim[],
  params: Params,
): BatchResult {
  const first = dims.findIndex((d) => d !== null);
  const shape = args[first].shape;
  const dim = dims[first];
  const same = args.every((x, i) => x.ndim === 0 || (dims[i] === dim && shapesEqual(x.shape, shape)));
  if (same) {
    const outs = bind(primitive, args, params);
    return { outs, dims: outs.map(() => dim) };
  }
  const front = args.map((x, i) => (x.ndim === 0 ? x : batchInFront(x, dims[i], dims[i] === null ? 1 : size)));
  const ndim = Math.max(...front.map((x) => x.ndim));
  const aligned = front.map((x, i) =>
    dims[i] === null || x.ndim === ndim ? x : axisOps().expandDims(x, range(x.ndim, ndim)),
  );
  const outs = bind(primitive, aligned, params);
  return { outs, dims: outs.map(() => 0) };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Runs `fn` on batched values in the current trace, and tells where the batch axes of its outputs are. */
export function batchFlat(
  fn: (args: readonly NDArray[]) => readonly NDArray[],
  size: number,
  args: readonly NDArray[],
  dims: readonly BatchDim[],
  axisName: AxisName | null = null,
): { outs: NDArray[]; dims: BatchDim[] } {
  const trace = new BatchTrace(currentTrace(), size, axisName);
  try {
    const outs = trace.run(() => fn(args.map((x, i) => trace.wrap(x, dims[i]))));
    const pairs = outs.map((x) => trace.unwrap(x));
    return { outs: pairs.map((p) => p[0]), dims: pairs.map((p) => p[1]) };
  } finally {
    trace.live = false;
  }
}

/** The type of a batched value. */
export function batchedAval(aval: ShapedArray, size: number, dim: BatchDim): ShapedArray {
  if (dim === null) return aval;
  const shape = [...aval.shape];
  shape.splice(dim, 0, size);
  return aval.update({ shape });
}

export interface Batched {
  readonly closed: ClosedJaxpr<NDArray>;
  readonly dims: readonly BatchDim[];
}

const cache = new Memo<ClosedJaxpr<NDArray>, Batched>();

/**
 * `dims[i]` is the batch axis of input i. Batched outputs keep the axis they come out with, or are brought to the front (to `axis`): all of
 * them with `front` true, only the batched ones and those in `force` with a list.
 */
export function batchJaxpr(
  jaxpr: ClosedJaxpr<NDArray>,
  size: number,
  dims: readonly BatchDim[],
  front: "asIs" | readonly boolean[],
  axis = 0,
  axisName: AxisName | null = null,
): Batched {
  const key = `${size}/${dims.join()}/${front === "asIs" ? front : front.join()}/${axis}/${axisName ?? ""}`;
  return cache.get(jaxpr, key, () => {
    const avals = jaxpr.inAvals.map((aval, i) => batchedAval(aval, size, dims[i]));
    const { closed, extra } = stage(
      avals,
      (args) => {
        const result = batchFlat(asFunction(jaxpr), size, args, dims, axisName);
        if (front === "asIs") return { outs: result.outs, extra: result.dims };
        const to = result.dims.map((d, i): BatchDim => (d !== null || front[i] ? axis : null));
        return { outs: result.outs.map((x, i) => matchAxis(size, result.dims[i], to[i], x)), extra: to };
      },
      jaxpr.jaxpr.debug,
    );
    return { closed, dims: extra };
  });
}

/** `batchJaxpr` along an axis that has a name. */
const batchWithin =
  (axisName: AxisName): BatchBody =>
  (jaxpr, size, dims, front, axis) =>
    batchJaxpr(jaxpr, size, dims, front, axis, axisName);
