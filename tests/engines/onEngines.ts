/** Functions on a chosen engine, and which of their equations a compiling engine leaves to its reference. */
import { makeJaxpr, setEngine, tree, type NDArray } from "../../src/index.ts";
import type { CompilingEngine } from "../../src/compile/compile.ts";
import type { Block } from "../../src/compile/program.ts";
import type { ConcreteArray } from "../../src/core/array.ts";
import type { Engine } from "../../src/core/engine.ts";

export function resultsOn(
  engine: Engine,
  f: (...args: NDArray[]) => unknown,
  args: readonly NDArray[],
): ConcreteArray[] {
  const before = setEngine(engine);
  try {
    return tree.leaves(f(...args)) as ConcreteArray[];
  } finally {
    setEngine(before ?? "wasm");
  }
}

function* stepsOf(block: Block): Generator<Block["steps"][number]> {
  for (const step of block.steps) {
    yield step;
    if (step.kind === "scan" || step.kind === "while") yield* stepsOf(step.body);
    if (step.kind === "while") yield* stepsOf(step.cond);
    if (step.kind === "cond") for (const b of step.branches) yield* stepsOf(b);
  }
}

/** The primitives of the steps that have no code. */
export function referenceSteps(
  engine: CompilingEngine,
  f: (...args: NDArray[]) => unknown,
  args: readonly NDArray[],
): string[] {
  const { program } = engine.compile(makeJaxpr(f)(...(args as never[])));
  return [...stepsOf(program.body)].flatMap((s) =>
    s.kind === "call" && s.routine === "reference" ? [s.eqn.primitive.name] : [],
  );
}
