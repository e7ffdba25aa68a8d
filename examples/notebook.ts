/**
 * A tour of `checkpoint` in the terminal, after JAX's notebook "Control autodiff's saved values with jax.checkpoint": what the forward
 * pass keeps for the backward pass, how to see it, and four ways to decide it. Run it with `npm start`.
 *
 * Colours are left out when the output is not a terminal, or NO_COLOR is set.
 */
import process from "node:process";
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  grad,
  np,
  printFwdBwd,
  printSavedResiduals,
  type NDArray,
} from "../src/index.ts";

const color = process.stdout.isTTY && !process.env["NO_COLOR"];
const strong = (text: string): string => (color ? `\x1b[1m${text}\x1b[22m` : text);

function title(text: string): void {
  console.log(`\n${strong(text)}\n${"=".repeat(text.length)}\n`);
}

function say(...lines: string[]): void {
  console.log(`${lines.join("\n")}\n`);
}

type Layers = (W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray) => NDArray;

const W1 = np.ones([5, 4]);
const W2 = np.ones([6, 5]);
const W3 = np.ones([7, 6]);
const x = np.ones([4]);

function show(f: Layers): void {
  say("Saved for the backward pass:");
  printSavedResiduals(f, W1, W2, W3, x);
  say("", "The two programs:");
  printFwdBwd(f, W1, W2, W3, x);
}

// A layer, and a network of three of them.

function g(W: NDArray, x: NDArray): NDArray {
  const y = np.dot(W, x);
  return np.sin(y);
}

function f(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = g(W1, x);
  x = g(W2, x);
  x = g(W3, x);
  return x;
}

title("f: everything the derivative asks for is saved");
say(
  "Reverse-mode differentiation runs a program twice: forward, then backward, in the opposite order. What the backward",
  "pass needs of the forward pass has to be kept in between. For three layers sin(W x) that is every input of a product",
  "and the cosine of every sine, so memory grows with depth.",
);
show(f);

function f2(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = checkpoint(g)(W1, x);
  x = checkpoint(g)(W2, x);
  x = checkpoint(g)(W3, x);
  return x;
}

title("f2: each layer is a checkpoint");
say(
  "checkpoint(g) computes what g computes, but keeps only the inputs of g. The backward pass computes the inside again:",
  "look for the equations remat2, which hold the forward sine and its cosine once more.",
);
show(f2);

const f3 = checkpoint(f, { policy: checkpointPolicies.dotsWithNoBatchDimsSaveable });

title("f3: a policy keeps the matrix products");
say(
  "Not everything costs the same to compute again. A policy is asked about every equation; this one keeps the results",
  "of matrix products and lets the cheap sines and cosines be recomputed, all of them within one checkpoint.",
);
show(f3);

function f4(W1: NDArray, W2: NDArray, W3: NDArray, x: NDArray): NDArray {
  x = checkpointName(g(W1, x), "a");
  x = checkpointName(g(W2, x), "b");
  x = checkpointName(g(W3, x), "c");
  return x;
}
const f4a = checkpoint(f4, { policy: checkpointPolicies.saveOnlyTheseNames("a") });

title("f4: a policy keeps what has a name");
say(
  "Values can be named where they are computed, and a policy can go by the names. Here the output of layer a is kept.",
);
show(f4a);

title("The gradients are the same");
say("The derivative of the sum of all outputs by W1, for each of them, has the same bits:");
const sumOf =
  (layers: Layers): Layers =>
  (W1, W2, W3, x) =>
    np.sum(layers(W1, W2, W3, x));
for (const [name, layers] of Object.entries({ f, f2, f3, f4a })) {
  say(`${name}: ${String(grad(sumOf(layers))(W1, W2, W3, x))}`);
}
