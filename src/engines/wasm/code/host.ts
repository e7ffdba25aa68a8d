/** Functions that generated code calls, lane by lane, for what it has no vector code for: JavaScript's, and special functions. They compute in float64. */
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import { emitSpecial, specialFunctions, type SpecialFunction } from "../math/special64.ts";

const pow = (x: number, y: number): number => {
  if (x === 1 || y === 0) return 1;
  // C has 1 here, JavaScript NaN.
  return x === -1 && (y === Infinity || y === -Infinity) ? 1 : x ** y;
};

export const unaryHost = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  exp: Math.exp,
  exp2: (x: number) => 2 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  cbrt: Math.cbrt,
  logistic: (x: number) => 1 / (1 + Math.exp(-x)),
} as const;

export const binaryHost = {
  pow,
  atan2: Math.atan2,
  rem: (x: number, y: number) => x % y,
} as const;

export type HostFunction = keyof typeof unaryHost | keyof typeof binaryHost | SpecialFunction;

/** What a module's imports under `math` are. */
export const hostImports = { ...unaryHost, ...binaryHost };

/** The same as text, for threads that cannot load this file. */
export const hostSource = `{
  ...Object.fromEntries(Object.getOwnPropertyNames(Math).map((name) => [name, Math[name]])),
  exp2: (x) => 2 ** x,
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  pow: (x, y) => (x === 1 || y === 0 ? 1 : x === -1 && (y === Infinity || y === -Infinity) ? 1 : x ** y),
  rem: (x, y) => x % y,
}`;

const isSpecial = (name: HostFunction): name is SpecialFunction =>
  (specialFunctions as readonly string[]).includes(name);

/** Declares the imports; gives each by its name. The special functions are none of JavaScript's: the module gets their code when they are asked for. */
export function importHost(module: ModuleBuilder): (name: HostFunction) => Callable {
  const known = new Map<HostFunction, Callable>();
  for (const name of Object.keys(unaryHost) as (keyof typeof unaryHost)[]) {
    known.set(name, module.importFunction("math", name, ["f64"], ["f64"]));
  }
  for (const name of Object.keys(binaryHost) as (keyof typeof binaryHost)[]) {
    known.set(name, module.importFunction("math", name, ["f64", "f64"], ["f64"]));
  }
  const callable = (name: HostFunction): Callable => {
    const found = known.get(name);
    if (found !== undefined || !isSpecial(name)) return found as Callable;
    const f = module.func(["f64"], ["f64"]);
    known.set(name, f);
    emitSpecial(f, name, callable);
    return f;
  };
  return callable;
}
