/** The small app whose size is promised: the derivative of a sine, by an engine that has the kernels it needs. */
export const smallApp = `
import { checkpoint, grad, item, setEngine } from "remat/autodiff";
import { arithmeticKernels, convertKernels, createJs, elementwiseKernels } from "remat/engines/js";
import * as np from "remat/numpy";

setEngine(createJs(elementwiseKernels, arithmeticKernels, convertKernels));
export const slope = item(grad(checkpoint((x) => np.sin(x)))(0.5));
`;

/** The bytes that it may take, minified and with gzip: a promise, which no later version breaks. */
export const smallAppLimit = 30_000;
