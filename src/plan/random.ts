/**
 * A small seeded generator (Marsaglia's xorshift, "Xorshift RNGs", 2003, with shifts 13, 17 and 5), so that a plan is a function of the graph
 * and the budget alone.
 */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number below `n`. */
  below(n: number): number;
}

export function seededRandom(seed: number): Random {
  // Zero is the one state that xorshift never leaves.
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
  for (let k = 0; k < 8; k++) next();
  return { next, below: (n) => Math.floor(next() * n) };
}
