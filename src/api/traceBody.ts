/**
 * Tracing the functions that control flow takes: a loop's body, a branch. A function is traced once for each combination of argument structure and
 * types; the same question gives the same program, which the printer shows once.
 */
import { functionName } from "../argNames.ts";
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { axisNamesKey } from "../core/axisNames.ts";
import { x64Enabled } from "../core/config.ts";
import type { ClosedJaxpr } from "../core/jaxpr.ts";
import { stage } from "../core/stage.ts";
import { separateConsts } from "../passes/rewrite.ts";
import { RematTypeError } from "../errors.ts";
import { unflatten, type TreeDef } from "../tree.ts";
import { callPure, debugOf, flattenResult, type AnyFunction } from "./flat.ts";
import { TraceCache } from "./traceCache.ts";

export interface TracedBody {
  /** A program whose constants are its first inputs. */
  readonly closed: ClosedJaxpr<NDArray>;
  /** Their values. */
  readonly consts: readonly NDArray[];
  readonly resultTree: TreeDef;
}

const caches = new WeakMap<AnyFunction, TraceCache>();

/** Traces `f` on arguments of the given structure and types. */
export function traceBody(
  f: AnyFunction,
  treedef: TreeDef,
  avals: readonly ShapedArray[],
  tracedFor: string,
): TracedBody {
  if (typeof f !== "function") {
    throw new RematTypeError(
      `${tracedFor} takes functions: f argument should be a callable, got ${f === null ? "null" : typeof f}.`,
    );
  }
  let cache = caches.get(f);
  if (cache === undefined) caches.set(f, (cache = new TraceCache()));
  const key = `${tracedFor}|${treedef.key}|${avals.map((a) => a.key).join()}|${String(x64Enabled())}|${axisNamesKey()}`;
  const traced = cache.get(key, () => {
    const name = functionName(f);
    // Names of arguments are asked for only in messages; placeholders stand for the arrays.
    const placeholders = unflatten(
      treedef,
      avals.map(() => 0),
    ) as readonly unknown[];
    const { closed, extra } = stage(
      avals,
      (leaves) => {
        const args = unflatten(treedef, leaves) as readonly unknown[];
        const { leaves: outs, treedef: resultTree } = flattenResult(callPure(f, args, tracedFor), name, tracedFor);
        return { outs, extra: resultTree };
      },
      debugOf(f, placeholders, tracedFor),
    );
    return { closed, resultTree: extra };
  });
  return { closed: separateConsts(traced.closed), consts: traced.closed.consts, resultTree: traced.resultTree };
}
