/**
 * The js engine: a plain interpreter on typed arrays, without anything clever. It is the reference that the other engines are compared with.
 *
 * `js` has a kernel for every primitive (one that is forgotten is a compile error below). `createJs` makes an engine of chosen families, for apps that have to
 * be small.
 */
import type { Engine } from "../../core/engine.ts";
import type { PrimitiveName } from "../../primitives/index.ts";
import { arithmeticKernels } from "./arithmetic.ts";
import { bitKernels } from "./bits.ts";
import { collectiveKernels } from "./collectives.ts";
import { comparisonKernels } from "./comparison.ts";
import { complexKernels } from "./complex.ts";
import { controlKernels } from "./control.ts";
import { convKernels } from "./conv.ts";
import { convertKernels } from "./convert.ts";
import { createJs } from "./create.ts";
import { dotKernels } from "./dot.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { fftKernels } from "./fft.ts";
import { gatherKernels } from "./gather.ts";
import type { Kernel } from "./kernel.ts";
import { joinKernels } from "./join.ts";
import { linalgKernels } from "./linalg.ts";
import { eigenKernels } from "./linalgEigen.ts";
import { spectraKernels } from "./linalgSpectra.ts";
import { raggedKernels } from "./raggedDot.ts";
import { randomKernels } from "./random.ts";
import { randomGammaKernels } from "./randomGamma.ts";
import { reduceKernels } from "./reduce.ts";
import { shapeKernels } from "./shape.ts";
import { slicingKernels } from "./slicing.ts";
import { sortKernels } from "./sort.ts";
import { specialKernels } from "./special.ts";
import { windowKernels } from "./window.ts";

export { createJs, type KernelFamily } from "./create.ts";
export type { Kernel } from "./kernel.ts";
export {
  arithmeticKernels,
  bitKernels,
  collectiveKernels,
  comparisonKernels,
  complexKernels,
  controlKernels,
  convKernels,
  convertKernels,
  dotKernels,
  eigenKernels,
  elementwiseKernels,
  fftKernels,
  gatherKernels,
  joinKernels,
  linalgKernels,
  raggedKernels,
  randomGammaKernels,
  randomKernels,
  reduceKernels,
  shapeKernels,
  slicingKernels,
  sortKernels,
  specialKernels,
  spectraKernels,
  windowKernels,
};

/** Those of primitives that hold programs come with `controlKernels`. */
type Controlled = keyof ReturnType<typeof controlKernels>;

/** A primitive without a kernel is a compile error here. */
const kernels = {
  ...arithmeticKernels,
  ...bitKernels,
  ...collectiveKernels,
  ...comparisonKernels,
  ...complexKernels,
  ...convKernels,
  ...convertKernels,
  ...dotKernels,
  ...eigenKernels,
  ...elementwiseKernels,
  ...fftKernels,
  ...gatherKernels,
  ...joinKernels,
  ...linalgKernels,
  ...raggedKernels,
  ...randomGammaKernels,
  ...randomKernels,
  ...reduceKernels,
  ...shapeKernels,
  ...slicingKernels,
  ...sortKernels,
  ...specialKernels,
  ...spectraKernels,
  ...windowKernels,
} satisfies Record<Exclude<PrimitiveName, Controlled>, Kernel>;

/** The reference engine. */
export const js: Engine = createJs(kernels, controlKernels);
