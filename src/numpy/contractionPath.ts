/**
 * In which order an einsum of several operands is contracted, two at a time. The order is opt_einsum's (Smith and Gray, "opt_einsum: a Python
 * package for optimizing contraction order", 2018), because programs show it: all orders are tried for up to four operands, and a bounded
 * search is made for more.
 */
import { RematValueError } from "../errors.ts";
import { range, tupleText } from "../primitives/axes.ts";

/** "auto" (the default), "optimal", "greedy", a path given by hand, true for "optimal", false for the order in which they stand. */
export type Optimize = boolean | string | readonly (readonly number[])[];

/** One step: the operands at these positions (largest first) are taken out, contracted, and the result is appended. */
export interface Contraction {
  readonly positions: readonly number[];
  /** The letters that are summed. */
  readonly removed: readonly string[];
  /** The letters of each operand, and of the result. */
  readonly inputs: readonly string[];
  readonly result: string;
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const symbol = (i: number): string => (i < letters.length ? letters[i] : String.fromCharCode(i + 140));

/** The letters of the operands and of the result, with ellipses spelled out. */
export function parseSubscripts(spec: string, ranks: readonly number[]): { inputs: string[]; output: string } {
  const text = spec.replaceAll(" ", "");
  const [left, right, ...more] = text.split("->");
  if (more.length > 0 || /[->]/.test(left.replaceAll("->", "")) || (right !== undefined && /[->]/.test(right))) {
    throw new RematValueError(`Subscripts can only contain one '->', got ${spec}.`);
  }
  let inputs = left.split(",");
  if (inputs.length !== ranks.length) {
    throw new RematValueError(
      `Number of einsum subscripts, ${inputs.length}, must be equal to the number of operands, ${ranks.length}: got ${spec}.`,
    );
  }
  let output = right;
  let hidden = "";
  if (text.includes(".")) {
    const used = new Set(text);
    const free = range(used.size + Math.max(...ranks) + 1)
      .map(symbol)
      .filter((c) => !used.has(c))
      .slice(0, Math.max(...ranks));
    let longest = 0;
    inputs = inputs.map((term, i) => {
      if (!term.includes(".")) return term;
      if (term.split(".").length !== 4 || !term.includes("..."))
        throw new RematValueError(`Invalid Ellipses in ${spec}.`);
      const count = ranks[i] - (term.length - 3);
      if (count < 0)
        throw new RematValueError(`Ellipses lengths do not match in ${spec} for an operand of rank ${ranks[i]}.`);
      longest = Math.max(longest, count);
      return term.replace("...", free.slice(free.length - count).join(""));
    });
    hidden = free.slice(free.length - longest).join("");
    output = output?.replace("...", hidden);
  }
  if (output === undefined) {
    const all = inputs.join("");
    const once = [...new Set(all)].sort().filter((c) => all.split(c).length === 2);
    output = hidden + once.filter((c) => !hidden.includes(c)).join("");
  }
  for (const c of output) {
    if (output.split(c).length > 2) {
      throw new RematValueError(`Output character '${c}' appeared more than once in the output of ${spec}.`);
    }
    if (!inputs.some((term) => term.includes(c))) {
      throw new RematValueError(`Output character '${c}' did not appear in the input of ${spec}.`);
    }
  }
  return { inputs, output };
}

type Sizes = ReadonlyMap<string, number>;

/** The size of each letter. A letter may have size 1 in some operands. */
export function letterSizes(inputs: readonly string[], shapes: readonly (readonly number[])[]): Sizes {
  const sizes = new Map<string, number>();
  inputs.forEach((term, i) => {
    if (term.length !== shapes[i].length) {
      throw new RematValueError(
        `Einstein sum subscript '${term}' does not contain the correct number of indices for operand ${i}, which has shape ` +
          `${tupleText(shapes[i])}.`,
      );
    }
    [...term].forEach((c, axis) => {
      const [known, size] = [sizes.get(c), shapes[i][axis]];
      if (known === undefined || known === 1) sizes.set(c, size);
      else if (size !== 1 && size !== known) {
        throw new RematValueError(
          `Size of label '${c}' for operand ${i} (${known}) does not match previous terms (${size}). One letter has one size.`,
        );
      }
    });
  });
  return sizes;
}

type Letters = ReadonlySet<string>;
const product = (set: Iterable<string>, sizes: Sizes): number => [...set].reduce((n, c) => n * sizes.get(c)!, 1);
const both = (a: Letters, b: Letters): Set<string> => new Set([...a].filter((c) => b.has(c)));
const keyOf = (set: Letters): string => [...set].sort().join("");

/** What contracting two of the remaining tensors leaves, and its cost in operations. */
function pairCost(
  tensors: readonly Letters[],
  output: Letters,
  rest: readonly number[],
  i: number,
  j: number,
  sizes: Sizes,
): { left: Letters; cost: number } {
  const either = new Set([...tensors[i], ...tensors[j]]);
  const keep = new Set([...output, ...rest.filter((k) => k !== i && k !== j).flatMap((k) => [...tensors[k]])]);
  const sums = [...both(tensors[i], tensors[j])].some((c) => !keep.has(c));
  return { left: both(either, keep), cost: product(either, sizes) * (sums ? 2 : 1) };
}

type Path = readonly (readonly number[])[];

interface Candidate {
  readonly order: readonly number[];
  readonly pair: readonly [number, number];
  readonly left: Letters;
  readonly flops: number;
  readonly size: number;
}

const before = (a: readonly number[], b: readonly number[]): number => {
  const i = a.findIndex((x, k) => x !== b[k]);
  return i < 0 ? 0 : a[i] - b[i];
};

/**
 * A depth-first search over pairs. With `branches` null and no cutoff it is exhaustive; otherwise pairs that free most memory come first, and
 * hopeless branches are cut.
 */
function search(
  inputs: readonly Letters[],
  output: Letters,
  sizes: Sizes,
  branches: number | null,
  bounded: boolean,
): Path {
  let best: { flops: number; size: number; path: Path } = {
    flops: Infinity,
    size: Infinity,
    path: [range(inputs.length)],
  };
  const progress = new Map<number, number>();
  const known = new Map<string, { left: Letters; cost: number }>();
  const sizeOf = (set: Letters): number => product(set, sizes);

  const assess = (
    tensors: readonly Letters[],
    rest: readonly number[],
    i: number,
    j: number,
    flops: number,
    size: number,
  ) => {
    const key = `${keyOf(tensors[i])},${keyOf(tensors[j])}`;
    const found = known.get(key) ?? pairCost(tensors, output, rest, i, j, sizes);
    known.set(key, found);
    const total = flops + found.cost;
    if (!bounded) return total >= best.flops ? null : { ...found, total, size, cost: 0 };
    const made = sizeOf(found.left);
    const largest = Math.max(size, made);
    if (total > best.flops || (total === best.flops && largest >= best.size)) return null;
    const reached = progress.get(tensors.length) ?? Infinity;
    if (total < reached) progress.set(tensors.length, total);
    else if (total > 4 * reached) return null;
    return { ...found, total, size: largest, cost: made - sizeOf(tensors[i]) - sizeOf(tensors[j]) };
  };

  const visit = (
    path: Path,
    tensors: readonly Letters[],
    rest: readonly number[],
    flops: number,
    size: number,
  ): void => {
    if (rest.length === 1) {
      best = { flops, size, path };
      return;
    }
    const go = (pair: readonly [number, number], left: Letters, total: number, largest: number): void => {
      const next = [...rest.filter((k) => !pair.includes(k)), tensors.length];
      visit([...path, pair], [...tensors, left], next, total, largest);
    };
    const pairs = rest.flatMap((i, a) => rest.slice(a + 1).map((j) => [Math.min(i, j), Math.max(i, j)] as const));
    if (!bounded) {
      for (const [i, j] of pairs) {
        const found = assess(tensors, rest, i, j, flops, size);
        if (found !== null) go([i, j], found.left, found.total, size);
      }
      return;
    }
    const gather = (disjoint: boolean): Candidate[] =>
      pairs.flatMap(([i, j]) => {
        if (!disjoint && both(tensors[i], tensors[j]).size === 0) return [];
        const found = assess(tensors, rest, i, j, flops, size);
        if (found === null) return [];
        const order = [found.cost, found.total - flops, found.total, found.size, i, j];
        return [{ order, pair: [i, j] as const, left: found.left, flops: found.total, size: found.size }];
      });
    const touching = gather(false);
    const candidates = (touching.length > 0 ? touching : gather(true)).sort((a, b) => before(a.order, b.order));
    for (const c of candidates.slice(0, branches ?? candidates.length)) go(c.pair, c.left, c.flops, c.size);
  };
  visit([], inputs, range(inputs.length), 0, 0);
  return best.path;
}

/** Tensors numbered as they arise, turned into positions in a list from which contracted ones are taken out. */
function positionsOf(path: Path, n: number): number[][] {
  const ids = range(n);
  return path.map((pair, k) => {
    const places = pair.map((id) => ids.indexOf(id)).sort((a, b) => a - b);
    for (const place of places.toReversed()) ids.splice(place, 1);
    ids.push(n + k);
    return places;
  });
}

function pathOf(
  inputs: readonly Letters[],
  output: Letters,
  sizes: Sizes,
  optimize: Optimize,
): readonly (readonly number[])[] {
  const n = inputs.length;
  if (typeof optimize === "object") return optimize;
  if (n <= 2) return [range(n)];
  if (optimize === false) {
    return range(n - 1).map(() => [0, 1]);
  }
  const method = optimize === true ? "optimal" : optimize;
  if (method === "optimal" || (method === "auto" && n <= 4))
    return positionsOf(search(inputs, output, sizes, null, false), n);
  const branches: Readonly<Record<string, number | null>> = {
    "branch-all": null,
    "branch-2": 2,
    "branch-1": 1,
    greedy: 1,
  };
  if (method !== "auto" && !(method in branches)) {
    throw new RematValueError(
      `Path optimizer '${method}' not found, valid options are auto, optimal, ${Object.keys(branches).join(", ")}.`,
    );
  }
  const width = method === "auto" ? (n <= 6 ? null : n <= 8 ? 2 : 1) : branches[method];
  return positionsOf(search(inputs, output, sizes, width, true), n);
}

/** The steps of an einsum. */
export function contractionsOf(
  inputs: readonly string[],
  output: string,
  shapes: readonly (readonly number[])[],
  optimize: Optimize,
): Contraction[] {
  const sizes = letterSizes(inputs, shapes);
  const path = pathOf(
    inputs.map((term) => new Set(term)),
    new Set(output),
    sizes,
    optimize,
  );
  const terms = [...inputs];
  return path.map((step, k) => {
    const positions = step.toSorted((a, b) => b - a);
    const taken = positions.map((p) => terms.splice(p, 1)[0]);
    const inside = new Set(taken.join(""));
    const needed = new Set([...output, ...terms.join("")]);
    const left = both(inside, needed);
    const removed = [...inside].filter((c) => !left.has(c)).sort();
    const all = taken.join("");
    const result = k === path.length - 1 ? output : [...left].sort((a, b) => all.indexOf(a) - all.indexOf(b)).join("");
    terms.push(result);
    return { positions, removed, inputs: taken, result };
  });
}
