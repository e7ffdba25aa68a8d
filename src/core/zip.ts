/** Walking lists side by side. A silent truncation is the commonest bug of autodiff, so lengths are checked. */
import { InternalError } from "../errors.ts";

/** Pairs the elements of two lists of equal length. */
export function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  if (a.length !== b.length) throw new InternalError(`lists of ${a.length} and ${b.length} elements do not pair`);
  return a.map((x, i) => [x, b[i]]);
}

/** The elements where the mask is false, and those where it is true. */
export function partition<T>(mask: readonly boolean[], xs: readonly T[]): [no: T[], yes: T[]] {
  if (mask.length !== xs.length) throw new InternalError(`a mask of ${mask.length} for ${xs.length} elements`);
  const no: T[] = [];
  const yes: T[] = [];
  for (let i = 0; i < xs.length; i++) (mask[i] ? yes : no).push(xs[i]);
  return [no, yes];
}

/** The inverse of `partition`. */
export function merge<T>(mask: readonly boolean[], no: readonly T[], yes: readonly T[]): T[] {
  let i = 0;
  let j = 0;
  const out = mask.map((b) => (b ? yes[j++] : no[i++]));
  if (i !== no.length || j !== yes.length)
    throw new InternalError(`a mask that does not merge ${no.length} and ${yes.length}`);
  return out;
}

/** Cuts a list into pieces of the given lengths, and the rest. */
export function split<T>(xs: readonly T[], ...lengths: readonly number[]): T[][] {
  const out: T[][] = [];
  let at = 0;
  for (const n of lengths) out.push(xs.slice(at, (at += n)));
  if (at > xs.length) throw new InternalError(`a list of ${xs.length} cut into pieces of ${lengths.join(", ")}`);
  out.push(xs.slice(at));
  return out;
}

/** The list without those at which `keep` is false. */
export const select = <T>(keep: readonly boolean[], xs: readonly T[]): T[] => partition(keep, xs)[1];
