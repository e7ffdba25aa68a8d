/** A mixed-integer program under construction: columns with costs and bounds, rows as sparse sums with an upper bound. */

export interface Program {
  readonly cost: number[];
  readonly integer: number[];
  readonly starts: number[];
  readonly columns: number[];
  readonly values: number[];
  readonly upper: number[];
}

export const emptyProgram = (): Program => ({
  cost: [],
  integer: [],
  starts: [0],
  columns: [],
  values: [],
  upper: [],
});

/** A new column between 0 and 1; its index. */
export function addColumn(program: Program, cost: number, integer: boolean): number {
  program.integer.push(integer ? 1 : 0);
  return program.cost.push(cost) - 1;
}

/** A sum of columns and a constant. */
export interface Sum {
  readonly terms: Map<number, number>;
  constant: number;
}

export const emptySum = (): Sum => ({ terms: new Map(), constant: 0 });

/** Adds `factor` times a column; `-1` is no column, and nothing is added. */
export function addTerm(sum: Sum, column: number, factor: number): void {
  if (column >= 0) sum.terms.set(column, (sum.terms.get(column) ?? 0) + factor);
}

/** The row `sum <= bound`; left out where it holds for every choice. */
export function addRow(program: Program, { terms, constant }: Sum, bound: number): void {
  let most = constant;
  for (const factor of terms.values()) most += Math.max(0, factor);
  if (most <= bound) return;
  for (const [column, factor] of terms) {
    if (factor === 0) continue;
    program.columns.push(column);
    program.values.push(factor);
  }
  program.starts.push(program.columns.length);
  program.upper.push(bound - constant);
}
