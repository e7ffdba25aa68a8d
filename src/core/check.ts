/**
 * Type checking of programs. A jaxpr is well formed if every variable is bound exactly once and before it is read, if every equation's
 * outputs have the types that its primitive gives for its inputs, and if the programs inside of equations fit them. Tests run it after
 * every pass; nothing in the library itself depends on it.
 *
 * Weak types are not compared, as in JAX: passes may lose or keep them.
 */
import { shapesEqual, ShapedArray } from "./aval.ts";
import { ClosedJaxpr, type Jaxpr, Literal, type Var, jaxprsOf, type Atom, type Eqn, type Params } from "./jaxpr.ts";
import { printEqn, printJaxpr } from "./print.ts";
import { JaxprTypeError, RematError } from "../errors.ts";

/** Programs that were found to be well formed. */
const checked = new WeakSet<Jaxpr>();

/**
 * Checks a program and all programs inside of it.
 *
 * @throws JaxprTypeError with the equation that is wrong.
 * @example check(makeJaxpr(np.sin)(np.ones([3]))); // nothing: it is well typed
 */
export function check(program: Jaxpr | ClosedJaxpr): void {
  if (program instanceof ClosedJaxpr) checkClosed(program);
  else checkOpen(program);
}

function checkClosed({ jaxpr, consts }: ClosedJaxpr): void {
  if (consts.length !== jaxpr.constvars.length) {
    throw illTyped(
      `a program has ${jaxpr.constvars.length} constvars and ${consts.length} constants`,
      printJaxpr(jaxpr),
    );
  }
  jaxpr.constvars.forEach((v, i) => {
    const aval = (consts[i] as { readonly aval?: ShapedArray } | null)?.aval;
    if (aval !== undefined && !sameType(aval, v.aval)) {
      throw illTyped(
        `constant ${i} has type ${String(aval)}, and its variable has ${String(v.aval)}`,
        printJaxpr(jaxpr),
      );
    }
  });
  checkOpen(jaxpr);
}

function checkOpen(jaxpr: Jaxpr): void {
  if (checked.has(jaxpr)) return;
  const bound = new Set<Var>();
  const bind = (v: Var, where: () => string): void => {
    if (bound.has(v)) throw illTyped(`a variable of type ${String(v.aval)} is bound twice`, where());
    bound.add(v);
  };
  const read = (x: Atom, where: () => string): void => {
    if (x instanceof Literal) checkLiteral(x, where);
    else if (!bound.has(x)) throw illTyped(`a variable of type ${String(x.aval)} is read and not bound`, where());
  };
  const whole = (): string => printJaxpr(jaxpr);
  for (const v of [...jaxpr.constvars, ...jaxpr.invars]) bind(v, whole);
  for (const eqn of jaxpr.eqns) {
    const here = (): string => printEqn(eqn);
    for (const x of eqn.invars) read(x, here);
    checkEquation(eqn);
    for (const v of eqn.outvars) bind(v, here);
  }
  for (const x of jaxpr.outvars) read(x, whole);
  checked.add(jaxpr);
}

function checkLiteral({ value, aval }: Literal, where: () => string): void {
  if (value.ndim !== 0 || !sameType(value.aval, aval)) {
    throw illTyped(`a literal has type ${String(aval)}, and its value has ${String(value.aval)}`, where());
  }
}

function checkEquation(eqn: Eqn): void {
  const { primitive, params, invars, outvars } = eqn;
  const inAvals = invars.map((x) => x.aval);
  for (const inner of jaxprsOf(params)) checkOpen(inner);
  fits[primitive.name]?.(inAvals, params, (what) => illTyped(what, printEqn(eqn)));
  compare(
    "output",
    outvars.map((v) => v.aval),
    typesOf(eqn, inAvals),
    (what) => illTyped(what, printEqn(eqn)),
  );
}

function typesOf(eqn: Eqn, inAvals: readonly ShapedArray[]): readonly ShapedArray[] {
  try {
    return eqn.primitive.type(inAvals, eqn.params);
  } catch (error) {
    if (!(error instanceof RematError)) throw error;
    const wrong = illTyped(`its operands do not fit it: ${error.message}`, printEqn(eqn));
    wrong.cause = error;
    throw wrong;
  }
}

type Complain = (what: string) => JaxprTypeError;
/** How the programs inside of an equation must fit its operands. */
type Fit = (operands: readonly ShapedArray[], params: Params, complain: Complain) => void;

const closedBody =
  (key: string): Fit =>
  (operands, params, complain) => {
    compare("operand", operands, (params[key] as ClosedJaxpr).inAvals, complain);
  };

const openBody =
  (key: string): Fit =>
  (operands, params, complain) => {
    const body = params[key] as Jaxpr;
    if (body.constvars.length > 0)
      throw complain(`the program inside has ${body.constvars.length} constvars, for which there are no values`);
    compare("operand", operands, body.inAvals, complain);
  };

const fits: Readonly<Record<string, Fit>> = {
  jit: closedBody("jaxpr"),
  closed_call: closedBody("call_jaxpr"),
  remat2(operands, params, complain) {
    openBody("jaxpr")(operands, params, complain);
    const cse = params.prevent_cse;
    if (Array.isArray(cse) && cse.length !== operands.length) {
      throw complain(`prevent_cse has ${cse.length} flags for ${operands.length} operands`);
    }
  },
  custom_jvp_call: openBody("call_jaxpr"),
  custom_vjp_call: openBody("call_jaxpr"),
  custom_remat: openBody("call_jaxpr"),
  cond([index, ...operands], params, complain) {
    if (index.ndim !== 0 || index.dtype !== "int32")
      throw complain(`the index of a branch has type ${String(index)} and must be i32[]`);
    const branches = params.branches as readonly ClosedJaxpr[];
    for (const branch of branches) {
      compare("operand", operands, branch.inAvals, complain);
      compare("result of a branch", branch.outAvals, branches[0].outAvals, complain);
    }
  },
  scan(operands, params, complain) {
    const { jaxpr, length, num_consts, num_carry } = params as {
      jaxpr: ClosedJaxpr;
      length: number;
      num_consts: number;
      num_carry: number;
    };
    const invariant = num_consts + num_carry;
    const steps = jaxpr.inAvals.map((a, i) => (i < invariant ? a : a.update({ shape: [length, ...a.shape] })));
    compare("operand", operands, steps, complain);
    compare("carry", jaxpr.outAvals.slice(0, num_carry), jaxpr.inAvals.slice(num_consts, invariant), complain);
  },
  while(operands, params, complain) {
    const { cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts } = params as {
      cond_jaxpr: ClosedJaxpr;
      cond_nconsts: number;
      body_jaxpr: ClosedJaxpr;
      body_nconsts: number;
    };
    const condConsts = operands.slice(0, cond_nconsts);
    const bodyConsts = operands.slice(cond_nconsts, cond_nconsts + body_nconsts);
    const carry = operands.slice(cond_nconsts + body_nconsts);
    compare("operand of the condition", [...condConsts, ...carry], cond_jaxpr.inAvals, complain);
    compare("operand of the body", [...bodyConsts, ...carry], body_jaxpr.inAvals, complain);
    compare("carry", body_jaxpr.outAvals, carry, complain);
    // Under `vmap` the loop runs as long as some element wants it to.
    const [condition] = cond_jaxpr.outAvals;
    compare("condition", cond_jaxpr.outAvals, [new ShapedArray(condition.shape, "bool")], complain);
  },
};

function compare(
  what: string,
  got: readonly ShapedArray[],
  expected: readonly ShapedArray[],
  complain: Complain,
): void {
  if (got.length !== expected.length)
    throw complain(`${what}s are ${got.length} in number and must be ${expected.length}`);
  got.forEach((aval, i) => {
    if (!sameType(aval, expected[i]))
      throw complain(`${what} ${i} has type ${String(aval)} and must have ${String(expected[i])}`);
  });
}

const sameType = (a: ShapedArray, b: ShapedArray): boolean =>
  a.dtype === b.dtype && a.memorySpace === b.memorySpace && shapesEqual(a.shape, b.shape);

const illTyped = (what: string, where: string): JaxprTypeError =>
  new JaxprTypeError(
    `internal error of remat, please report it: a program is not well typed: ${what}. It is in\n${where}`,
  );
