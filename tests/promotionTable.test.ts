/** The dtype, and whether it is weak, of every pair of operands: arrays of all dtypes, host scalars and weakly typed arrays, against JAX. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { enableX64, np, NDArray, RematError, type DType } from "../src/index.ts";
import type { ArrayLike } from "../src/numpy/asarray.ts";

interface Golden {
  readonly dtypes: readonly DType[];
  readonly tables: Readonly<Record<string, readonly string[]>>;
}
const golden = JSON.parse(readFileSync(new URL("edges/promotion.json", import.meta.url), "utf8")) as {
  readonly narrow: Golden;
  readonly wide: Golden;
};

type Operation = (x: ArrayLike, y: ArrayLike) => NDArray | DType;
const operations: Readonly<Record<string, Operation>> = {
  add: np.add,
  multiply: np.multiply,
  trueDivide: np.trueDivide,
  floorDivide: np.floorDivide,
  power: np.power,
  maximum: np.maximum,
  logaddexp: np.logaddexp,
  bitwiseAnd: np.bitwiseAnd,
  leftShift: np.leftShift,
  arctan2: np.arctan2,
  where: (x, y) => np.where(true, x, y),
  concatenate: (x, y) => np.concatenate([x, y]),
  resultType: np.resultType,
};

const short = (dtype: DType): string =>
  dtype.replace("uint", "u").replace("int", "i").replace("complex", "c").replace("float", "f");

function word(f: () => NDArray | DType): string {
  try {
    const out = f();
    return out instanceof NDArray ? short(out.dtype) + "*".repeat(Number(out.weakType)) : short(out);
  } catch (error) {
    if (error instanceof RematError) return "--";
    throw error;
  }
}

/** The rows of both tables that differ, each pair named. */
function differences<A, B>(
  f: (x: A, y: B) => NDArray | DType,
  rows: readonly (readonly [string, A])[],
  columns: readonly (readonly [string, B])[],
  table: readonly string[],
): string[] {
  expect(table.length).toBe(rows.length);
  return rows.flatMap(([xName, x], i) => {
    const words = table[i].split(" ");
    expect(words.length).toBe(columns.length);
    return columns.flatMap(([yName, y], j) => {
      const got = word(() => f(x, y));
      return got === words[j] ? [] : [`${xName}, ${yName}: ${got} where JAX has ${words[j]}`];
    });
  });
}

afterEach(() => {
  enableX64(false);
});

describe.each(["narrow", "wide"] as const)("%s types", (width) => {
  const { dtypes, tables } = golden[width];
  const names = dtypes.map((d): readonly [string, DType] => [d, d]);
  const operands = (): (readonly [string, ArrayLike])[] => [
    ...dtypes.map((d): readonly [string, ArrayLike] => [d, np.ones([2], { dtype: d })]),
    ["2", 2],
    ["2.5", 2.5],
    ["true", true],
    ["weak int", np.asarray(2)],
    ["weak float", np.asarray(2.5)],
  ];

  it.each(Object.keys(operations))("%s", (name) => {
    enableX64(width === "wide");
    expect(differences(operations[name], operands(), operands(), tables[name])).toEqual([]);
  });

  it("promoteTypes", () => {
    enableX64(width === "wide");
    expect(differences(np.promoteTypes, names, names, tables.promoteTypes)).toEqual([]);
  });

  it("resultType of names with arrays", () => {
    enableX64(width === "wide");
    expect(differences<DType, ArrayLike>(np.resultType, names, operands(), tables.resultTypeOfNames)).toEqual([]);
  });
});

it("resultType of the names of wide types, where they mean the narrow ones", () => {
  const names = golden.wide.dtypes.map((d): readonly [string, DType] => [d, d]);
  expect(differences(np.resultType, names, names, golden.narrow.tables.resultTypeOfWideNames)).toEqual([]);
});
