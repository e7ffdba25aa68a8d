/** The inputs of the workloads as arrays of this library. */
import { np, type NDArray } from "../../src/index.ts";
import { inputsOf } from "./data.ts";

export const array = (data: Float32Array, shape: readonly number[]): NDArray => np.reshape(np.asarray(data), shape);

export const { random, oneHot, mlpParameters, mlpInput, gptInputs, rnnInputs, convInputs } = inputsOf(array);
