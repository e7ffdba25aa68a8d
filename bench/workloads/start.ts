/**
 * How long a process takes from its start to the first gradient of W1, with the built library (`npm run build`), which is what users load; where there
 * is no build, with the source, whose types Node takes away first.
 */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import process from "node:process";
import type * as Remat from "../../src/index.ts";
import { hashed, W1 } from "./definition.ts";
import { recorder } from "./figures.ts";

const built = join(import.meta.dirname, "../../dist/node/index.js");
const source = join(import.meta.dirname, "../../src/index.ts");
const { grad, jit, np } = (await import(pathToFileURL(existsSync(built) ? built : source).href)) as typeof Remat;

const random = (shape: readonly number[], seed: number): Remat.NDArray =>
  np.reshape(
    np.asarray(
      hashed(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
    ),
    shape,
  );
const gradient = jit(
  grad((weights: readonly Remat.NDArray[], x: Remat.NDArray): Remat.NDArray => {
    for (const W of weights) x = np.sin(np.dot(W, x));
    return np.sum(x);
  }),
);
gradient(
  W1.shapes.map((shape, i) => random(shape, i)),
  random([4], 9),
);
const { fromStart } = recorder("remat");
fromStart("W1", "first gradient from process start");
process.exit(0);
