/** Branches on traced values: `cond` and `switch`, on nested values. */
import { functionName } from "../argNames.ts";
import { ConcreteArray, type NDArray } from "../core/array.ts";
import { shapesEqual, type ShapedArray } from "../core/aval.ts";
import { kindOf } from "../core/dtype.ts";
import { bind, bind1, currentTrace } from "../core/interpreter.ts";
import { ClosedJaxpr, Var } from "../core/jaxpr.ts";
import { elementOf, literal } from "../core/scalar.ts";
import { traceBody, type TracedBody } from "../api/traceBody.ts";
import { leafArray, type AnyFunction } from "../api/flat.ts";
import { BranchTypeError, RematTypeError, RematValueError, describe } from "../errors.ts";
import { forwardedInputs, pruneClosedOutputs } from "../passes/rewrite.ts";
import { clamp, ne } from "../primitives/comparison.ts";
import { platformIndex } from "../primitives/iota.ts";
import { cond as condP } from "../primitives/cond.ts";
import { convertElementType } from "../primitives/convert.ts";
import { flatten, flattenWithPath, keystr, unflatten } from "../tree.ts";

/**
 * Applies one of two functions to the operands, chosen by a traced condition. Both are traced; one runs. They must return the same structure, shapes
 * and dtypes. Under `vmap` with a batched condition both run, and results are selected.
 *
 * @throws BranchTypeError if the branches return different types.
 * @example
 * const x = np.array(0.5);
 * lax.cond(np.greater(x, 0), (x: NDArray) => np.sin(x), (x: NDArray) => np.cos(x), x); // 0.47943
 */
export function cond<A extends readonly unknown[], R>(
  pred: NDArray | boolean | number,
  trueFun: (...operands: A) => R,
  falseFun: (...operands: A) => R,
  ...operands: A
): R {
  const condition = predicate(pred);
  const branches = [
    { f: trueFun as AnyFunction, name: "true_fun" },
    { f: falseFun as AnyFunction, name: "false_fun" },
  ];
  return branch("cond", () => convertElementType(condition, "int32"), branches, operands, true) as R;
}

/**
 * Applies one of several functions to the operands, chosen by a traced integer, which is clamped to the range of branches.
 *
 * @example
 * lax.switch(1, [(x: NDArray) => x, (x: NDArray) => np.sin(x)], np.array(0.5)); // 0.47943
 */
export function switchBranches<A extends readonly unknown[], R>(
  index: NDArray | number,
  branches: readonly ((...operands: A) => R)[],
  ...operands: A
): R {
  const which = leafArray(index, "asWritten");
  if (which === null)
    throw new RematTypeError(`switch chooses by an integer: Index type must be an integer, got ${describe(index)}.`);
  if (which.ndim > 0) {
    throw new RematTypeError(
      `switch chooses by a scalar: Branch index must be scalar, got ${String(which.aval)} of shape (${which.shape.join(", ")}${which.ndim === 1 ? "," : ""}).`,
    );
  }
  if (kindOf(which.dtype) !== "int" && kindOf(which.dtype) !== "uint") {
    throw new RematTypeError(
      `switch chooses by an integer: Index type must be an integer, got ${valueText(which)} as ${which.dtype}.`,
    );
  }
  if (branches.length === 0)
    throw new RematValueError("switch needs branches: Empty branch sequence. Give at least one function.");
  if (branches.length === 1) return branches[0](...operands);
  const chosen = clamp(literal(0, "int32"), convertElementType(which, "int32"), literal(branches.length - 1, "int32"));
  return branch(
    "switch",
    () => chosen,
    branches.map((f, i) => ({ f: f, name: i === 0 ? "branch 0" : `branch${i}` })),
    operands,
    false,
  ) as R;
}

export { switchBranches as switch };

/** A scalar as its number, where that is known. */
const valueText = (x: NDArray): string => (x instanceof ConcreteArray ? String(elementOf(x)) : String(x.aval));

function predicate(pred: unknown): NDArray {
  const x = leafArray(pred, "asWritten");
  if (x === null)
    throw new RematTypeError(
      `cond's condition must be a boolean scalar: Pred must be a scalar, got ${describe(pred)}.`,
    );
  if (x.ndim > 0) {
    throw new RematTypeError(
      `cond's condition must be a scalar: Pred must be a scalar, got ${String(x.aval)} of shape (${x.shape.join(", ")}${x.ndim === 1 ? "," : ""}). ` +
        "Reduce it with np.all or np.any, or choose elementwise with np.where.",
    );
  }
  if (x.dtype === "bool") return x;
  if (!["int", "uint", "float"].includes(kindOf(x.dtype))) {
    throw new RematTypeError(`cond's condition: Pred type must be either boolean or number, got ${x.dtype}.`);
  }
  if (typeof pred === "number") return literal(pred !== 0, "bool");
  return ne(x, currentTrace().stageValue(literal(0, x.dtype, x.weakType)));
}

interface Branch {
  readonly f: AnyFunction;
  readonly name: string;
}

export interface PlatformBranches<A extends readonly unknown[], R> {
  /** What is computed on platforms that have no branch of their own. */
  readonly default?: ((...operands: A) => R) | null;
  readonly cpu?: (...operands: A) => R;
  readonly cuda?: (...operands: A) => R;
  readonly rocm?: (...operands: A) => R;
  readonly tpu?: (...operands: A) => R;
}

/**
 * Applies the function of the platform that the program runs on, which is "cpu" for all engines here. All are traced and stand in the program.
 *
 * @example
 * lax.platformDependent({ cpu: (x: NDArray) => np.sin(x), default: (x: NDArray) => np.cos(x) }, np.array(0.5)); // 0.47943
 */
export function platformDependent<A extends readonly unknown[], R>(
  branches: PlatformBranches<A, R>,
  ...operands: A
): R {
  const lists = new Map<(...operands: A) => R, string[]>();
  for (const [platform, f] of Object.entries(branches) as [string, ((...operands: A) => R) | null | undefined][]) {
    if (platform === "default") continue;
    if (typeof f !== "function") {
      throw new RematTypeError(`lax.platform_dependent: the '${platform}' branch must be a callable.`);
    }
    if (platform === "gpu") throw new RematValueError("Use 'cuda' or 'rocm' for lax.platform_dependent.");
    lists.set(f, [...(lists.get(f) ?? []), platform]);
  }
  const { default: others } = branches;
  const functions = [...lists.keys(), ...(others == null ? [] : [others])];
  const platforms = [...lists.values(), ...(others == null ? [] : [null])];
  const index = bind1(platformIndex, [], { platforms });
  const value = index instanceof ConcreteArray ? Number(index.data[0]) : null;
  if (value !== null) return functions[value](...operands);
  const named = functions.map((f, i) => ({ f: f, name: `branch${i}` }));
  return branch("switch", () => index, named, operands, false, platforms) as R;
}

/** Traces the branches in the given order, and binds them; `reversed` for `cond`, whose first branch stands last. */
function branch(
  what: string,
  index: () => NDArray,
  branches: readonly Branch[],
  operands: readonly unknown[],
  reversed: boolean,
  platforms?: readonly (readonly string[] | null)[],
): unknown {
  const { leaves, treedef } = flatten(operands);
  const args = leaves.map((x) => {
    const leaf = leafArray(x, "asWritten");
    if (leaf === null) throw new RematTypeError(`${what}'s operands must hold arrays; got ${describe(x)}.`);
    return leaf;
  });
  const avals = args.map((x) => x.aval);
  const traced = branches.map((b) => traceBody(b.f, treedef, avals, what));
  for (let i = 1; i < traced.length; i++) checkResults(what, branches[0], branches[i], traced[0], traced[i]);
  const { jaxprs, consts } = shareConsts(traced);
  const forwards = jaxprs.map((j) => forwardedInputs(j.jaxpr));
  const passed = forwards[0].map((f, i) => (forwards.every((fs) => fs[i] === f) ? f : null));
  const kept = jaxprs.map((j) =>
    pruneClosedOutputs(
      j,
      passed.map((f) => f === null),
    ),
  );
  const inputs = [...consts, ...args];
  const outs = bind(condP, [index(), ...inputs], {
    branches: reversed ? [...kept].reverse() : kept,
    ...(platforms === undefined ? {} : { branches_platforms: platforms }),
  });
  let next = 0;
  return unflatten(
    traced[0].resultTree,
    passed.map((f) => (f === null ? outs[next++] : inputs[f])),
  );
}

/** All branches take the constants of all, each object once. */
function shareConsts(traced: readonly TracedBody[]): { jaxprs: ClosedJaxpr<NDArray>[]; consts: NDArray[] } {
  const consts = [...new Set(traced.flatMap((t) => t.consts))];
  const jaxprs = traced.map(({ closed, consts: own }) => {
    const { invars } = closed.jaxpr;
    const place = new Map(own.map((c, i) => [c, invars[i]]));
    const vars = consts.map((c): Var => place.get(c) ?? new Var(c.aval));
    if (own.length === consts.length && own.every((c, i) => c === consts[i])) return closed;
    return new ClosedJaxpr<NDArray>(
      closed.jaxpr.replace({ invars: [...vars, ...invars.slice(own.length)], debug: null }),
      [],
    );
  });
  return { jaxprs, consts };
}

function checkResults(what: string, first: Branch, other: Branch, a: TracedBody, b: TracedBody): void {
  const who = `${first.name} is ${functionName(first.f)}\n${other.name} is ${functionName(other.f)}`;
  const advice = `Revise ${first.name} and/or ${other.name} so that `;
  if (!a.resultTree.equals(b.resultTree)) {
    throw new BranchTypeError(
      `${what} branch outputs must have the same pytree structure, but they differ:\n\n${who}\n\n${first.name} output is ` +
        `${String(a.resultTree)} and ${other.name} output is ${String(b.resultTree)}.\n\n${advice}they have the same pytree structure.`,
    );
  }
  const [xs, ys] = [a.closed.outAvals, b.closed.outAvals];
  const differing = xs.flatMap((x, i) => (sameType(x, ys[i]) ? [] : [i]));
  if (differing.length === 0) return;
  const paths = flattenWithPath(
    unflatten(
      a.resultTree,
      xs.map(() => 0),
    ),
  ).map(({ path }) => keystr(path));
  const lines = differing.map((i) => {
    const where = paths[i] === "" ? "" : ` at path ${paths[i]}`;
    const kinds = [
      ...(shapesEqual(xs[i].shape, ys[i].shape) ? [] : ["the shapes do not match"]),
      ...(xs[i].dtype === ys[i].dtype ? [] : ["the dtypes do not match"]),
    ];
    return (
      `The output of ${first.name}${where} has type ${xs[i].toLongString()} but the corresponding output of ${other.name} has type ` +
      `${ys[i].toLongString()}, so ${kinds.join(" and ")}.`
    );
  });
  throw new BranchTypeError(
    `${what} branches must have equal output types but they differ.\n\n${who}\n\n${lines.join("\n")}\n\n${advice}all output types match.`,
  );
}

const sameType = (x: ShapedArray, y: ShapedArray): boolean => x.dtype === y.dtype && shapesEqual(x.shape, y.shape);
