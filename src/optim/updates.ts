/** What is done with updates: they are added to parameters; and parameters that follow others. */
import { cond } from "../lax/conditionals.ts";
import * as np from "../numpy/index.ts";
import { add, astype, multiply as mul } from "../numpy/index.ts";
import { mapTree, type Scalar } from "./base.ts";
import { oneMinus } from "./moments.ts";

/** The parameters plus their updates, in the dtypes of the parameters. */
export const applyUpdates = <P>(params: P, updates: unknown): P =>
  mapTree((p, u) => astype(np.asarray(add(p, u)), np.asarray(p).dtype), params, updates);

/** `stepSize new + (1 - stepSize) old`: Polyak averaging. */
export const incrementalUpdate = <P>(newTensors: P, oldTensors: unknown, stepSize: Scalar): P =>
  mapTree((now, old) => add(mul(stepSize, now), mul(oneMinus(stepSize), old)), newTensors, oldTensors);

/** The new arrays at every `updatePeriod`-th step, the old ones between. */
export const periodicUpdate = <P>(newTensors: P, oldTensors: P, steps: Scalar, updatePeriod: Scalar): P =>
  cond(
    np.equal(np.mod(steps, updatePeriod), 0),
    () => newTensors,
    () => oldTensors,
  );
