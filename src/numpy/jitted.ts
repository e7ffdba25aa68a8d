/**
 * Functions of the library that are jitted in JAX: in a jaxpr they are one `jit` equation with the function's name, whose body is traced
 * once for each combination of operand types.
 */
import type { NDArray } from "../core/array.ts";
import { jitCall } from "../primitives/jit.ts";
import { toArray, type ArrayLike } from "./asarray.ts";

/**
 * Calls `fn` as a jitted function of the given name. `key` must tell apart everything that `fn` closes over. Host scalars among the
 * arguments are operands of the call, of weak type.
 */
export function jitted(
  name: string,
  key: string,
  fn: (...xs: NDArray[]) => NDArray,
  args: readonly ArrayLike[],
): NDArray {
  return jitCall(
    name,
    key,
    (...xs) => [fn(...xs)],
    args.map((x, i) => toArray(x, name, i)),
  )[0];
}

/** Calls `fn` as a jitted function whose equations are written down in place of the call; bodies that they hold are still one object. */
export function inlined(name: string, fn: (...xs: NDArray[]) => NDArray, args: readonly ArrayLike[]): NDArray {
  const operands = args.map((x, i) => toArray(x, name, i));
  return jitCall(name, "", (...xs) => [fn(...xs)], operands, true)[0];
}

/** The same for functions of several results. */
export function jittedAll(
  name: string,
  key: string,
  fn: (...xs: NDArray[]) => readonly NDArray[],
  args: readonly ArrayLike[],
): readonly NDArray[] {
  return jitCall(
    name,
    key,
    fn,
    args.map((x, i) => toArray(x, name, i)),
  );
}
