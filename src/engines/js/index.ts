/**
 * The js engine: a plain interpreter on typed arrays, without anything clever. It is the reference that the other engines are compared with.
 */
import type { Engine } from "../../core/engine.ts";
import { controlKernels } from "./control.ts";
import { convKernels } from "./conv.ts";
import { convertKernels } from "./convert.ts";
import { dotKernels } from "./dot.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { fftKernels } from "./fft.ts";
import { gatherKernels } from "./gather.ts";
import { kernelOf } from "./interpret.ts";
import type { Kernel } from "./kernel.ts";
import { linalgKernels } from "./linalg.ts";
import { spectraKernels } from "./linalgSpectra.ts";
import { randomKernels } from "./random.ts";
import { randomGammaKernels } from "./randomGamma.ts";
import { reduceKernels } from "./reduce.ts";
import { shapeKernels } from "./shape.ts";
import { slicingKernels } from "./slicing.ts";
import { sortKernels } from "./sort.ts";
import { specialKernels } from "./special.ts";
import { windowKernels } from "./window.ts";

const identity: Kernel = (args) => args.map((x) => x.data);

const table = (name: string): Kernel | undefined => kernels[name];

const kernels: Readonly<Record<string, Kernel>> = {
  ...elementwiseKernels,
  ...convertKernels,
  ...shapeKernels,
  ...reduceKernels,
  ...dotKernels,
  ...convKernels,
  ...windowKernels,
  ...fftKernels,
  ...linalgKernels,
  ...spectraKernels,
  ...gatherKernels,
  ...slicingKernels,
  ...sortKernels,
  ...specialKernels,
  ...randomKernels,
  ...randomGammaKernels,
  ...controlKernels(table),
  name: identity,
  device_put: identity,
};

/** The reference engine. */
export const js: Engine = {
  name: "js",
  apply: (primitive, args, outAvals, params) => kernelOf(primitive.name, table)(args, outAvals, params),
};
