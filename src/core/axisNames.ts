/**
 * The names of mapped axes. `vmap(f, { axisName: "i" })` gives the axis that it maps a name, by which `f` may speak of it: `psum(x, "i")` adds
 * up along it, `axisIndex("i")` says where on it a call stands. The names that are in scope, and the sizes of their axes, are kept here while
 * such a function is traced; batching then replaces a name by an axis of an array (`primitives/collectives.ts`).
 */
import { UnboundAxisNameError } from "../errors.ts";

/** The name of a mapped axis. */
export type AxisName = string;

interface NamedAxis {
  readonly name: AxisName;
  readonly size: number;
}

let scope: readonly NamedAxis[] = [];

/** Runs `fn` with the name of an axis in scope; null for an axis without a name. */
export function withAxisName<T>(name: AxisName | null, size: number, fn: () => T): T {
  if (name === null) return fn();
  const saved = scope;
  scope = [...saved, { name, size }];
  try {
    return fn();
  } finally {
    scope = saved;
  }
}

/** The size of a named axis: of the innermost one of that name. */
export function sizeOfAxis(name: AxisName, asker: string): number {
  const axis = scope.findLast((a) => a.name === name);
  if (axis === undefined) throw new UnboundAxisNameError(name, asker);
  return axis.size;
}

/** Tells apart the scopes in which a program may have to be traced anew. */
export const axisNamesKey = (): string => scope.map(({ name, size }) => `${JSON.stringify(name)}:${size}`).join();
