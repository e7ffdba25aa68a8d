/**
 * Hyperparameters as a part of the state, where they can be read, logged and changed between steps without a new program.
 *
 * Known limit: a hyperparameter is known by the name of its parameter or option, so those left to their defaults stay where they are, and
 * minified code needs options objects.
 */
import { argNames } from "../argNames.ts";
import { parametersOf } from "../parameters.ts";
import { NDArray } from "../core/array.ts";
import type { DType } from "../core/dtype.ts";
import { dtypes, isFloat } from "../core/dtype.ts";
import { RematValueError } from "../errors.ts";
import * as np from "../numpy/index.ts";
import { float } from "../numpy/asarray.ts";
import { arraysOf, type ExtraArgs, type GradientTransformation, type OptState, type Schedule } from "./base.ts";
import { safeIncrement, zeroCount } from "./moments.ts";

export type InjectHyperparamsState<S extends OptState = OptState> = {
  readonly count: NDArray;
  /** The values of the last update (of the first one, before it), by name. Put other values here to change them. */
  readonly hyperparams: Readonly<Record<string, NDArray>>;
  /** The counts of those that are schedules. */
  readonly hyperparamsStates: Readonly<Record<string, { readonly count: NDArray }>>;
  readonly innerState: S;
};

export interface InjectOptions {
  /** Names of parameters and options that stay what they are, such as numbers that decide about shapes. */
  readonly staticArgs?: string | readonly string[];
  /** The dtype of the hyperparameters: the widest float among the parameters if not given. */
  readonly hyperparamDtype?: DType | null;
}

/** Where a hyperparameter stands: the position of an argument, and the key if that is an object of options. */
interface Place {
  readonly name: string;
  readonly position: number;
  readonly key: string | null;
  readonly value: unknown;
}

const isOptions = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype && !("update" in x);

function placesOf(args: readonly unknown[], names: readonly string[]): Place[] {
  return args.flatMap((value, position): Place[] =>
    isOptions(value)
      ? Object.entries(value).map(([key, v]) => ({ name: key, position, key, value: v }))
      : [{ name: names[position] ?? `args[${position}]`, position, key: null, value }],
  );
}

/**
 * The maker of a transformation, as a maker of one whose numbers are in its state: `state.hyperparams.learningRate`. Schedules among the arguments
 * are evaluated at each update.
 *
 * @example
 * const tx = optim.injectHyperparams(optim.adam)(optim.linearSchedule(1e-3, 0, 1000), { b1: 0.95 });
 */
export function injectHyperparams<A extends readonly unknown[], S extends OptState>(
  innerFactory: (...args: A) => GradientTransformation<S>,
  options: InjectOptions = {},
): (...args: A) => GradientTransformation<InjectHyperparamsState<S>> {
  const { staticArgs = [], hyperparamDtype = null } = options;
  const isStatic = new Set(typeof staticArgs === "string" ? [staticArgs] : staticArgs);

  return (...args) => {
    const names = argNames(
      innerFactory,
      args.map(() => 0),
      {},
      [],
      parametersOf,
    );
    const places = placesOf(args, names).filter(({ name, value }) => !isStatic.has(name) && value !== undefined);
    const numbers = places.filter(({ value }) => typeof value === "number" || value instanceof NDArray);
    const schedules = places.filter(({ value }) => typeof value === "function");

    /** The inner transformation with these hyperparameters in place of those given. */
    const withValues = (values: Readonly<Record<string, unknown>>): GradientTransformation<S> => {
      const changed: unknown[] = args.map((x) => (isOptions(x) ? { ...x } : x));
      for (const { name, position, key } of [...numbers, ...schedules]) {
        if (key === null) changed[position] = values[name];
        else (changed[position] as Record<string, unknown>)[key] = values[name];
      }
      return innerFactory(...(changed as unknown as A));
    };

    const asHyperparam = (x: unknown, dtype: DType): NDArray => {
      const value = typeof x === "number" ? float(x) : (x as NDArray);
      return isFloat(value.dtype) && value.weakType ? np.asarray(value, dtype) : np.asarray(value);
    };
    const scheduled = (
      states: Readonly<Record<string, { readonly count: NDArray }>>,
      dtype: DType,
    ): Record<string, NDArray> =>
      Object.fromEntries(
        schedules.map(({ name, value }) => [name, asHyperparam((value as Schedule)(states[name].count), dtype)]),
      );

    return {
      init(params) {
        const dtype = hyperparamDtype ?? widestFloat(params);
        const hyperparamsStates = Object.fromEntries(schedules.map(({ name }) => [name, { count: zeroCount() }]));
        const hyperparams = {
          ...Object.fromEntries(numbers.map(({ name, value }) => [name, asHyperparam(value, dtype)])),
          ...scheduled(hyperparamsStates, dtype),
        };
        return { count: zeroCount(), hyperparams, hyperparamsStates, innerState: withValues(hyperparams).init(params) };
      },
      update<P>(updates: P, state: InjectHyperparamsState<S>, params: unknown = null, extraArgs: ExtraArgs = {}) {
        const dtype = hyperparamDtype ?? widestFloat(params ?? updates);
        const missing = numbers.find(({ name }) => !(name in state.hyperparams));
        if (missing !== undefined) {
          throw new RematValueError(
            `injectHyperparams was given a state without \`${missing.name}\`: its hyperparams are ` +
              `${Object.keys(state.hyperparams).join(", ")}. Change values there, and keep all names.`,
          );
        }
        const hyperparams = {
          ...Object.fromEntries(numbers.map(({ name }) => [name, asHyperparam(state.hyperparams[name], dtype)])),
          ...scheduled(state.hyperparamsStates, dtype),
        };
        const hyperparamsStates = Object.fromEntries(
          Object.entries(state.hyperparamsStates).map(([name, s]) => [name, { count: safeIncrement(s.count) }]),
        );
        const [steps, innerState] = withValues(hyperparams).update(updates, state.innerState, params, extraArgs);
        return [steps, { count: safeIncrement(state.count), hyperparams, hyperparamsStates, innerState }];
      },
    };
  };
}

function widestFloat(params: unknown): DType {
  const floats = arraysOf(params)
    .map((x) => x.dtype)
    .filter(isFloat);
  return floats.reduce((a, b) => (dtypes[b].bytes > dtypes[a].bytes ? b : a), floats[0] ?? "float32");
}
