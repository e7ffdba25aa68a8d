/**
 * Zeros that have to exist after all: a symbolic zero (`null`) is materialised when a rule, a loop or a user needs an array. How a zero
 * is made is the business of a primitive, and primitives stand above this folder, so the maker is handed down here.
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import { InternalError } from "../errors.ts";

let maker: (aval: ShapedArray) => NDArray = () => {
  throw new InternalError("no maker of zeros is installed: import the package's entry point");
};

/** Installs what makes zeros; done once, where the package is put together. */
export function setZerosMaker(make: (aval: ShapedArray) => NDArray): void {
  maker = make;
}

/** An array of zeros of the given type, made in the current trace: in a jaxpr, `broadcast_in_dim 0.0`, or a literal for rank 0. */
export const zeros = (aval: ShapedArray): NDArray => maker(aval);

/** The value itself, or zeros of the given type for a symbolic zero. */
export const instantiate = (x: NDArray | null, aval: ShapedArray): NDArray => x ?? maker(aval);
