/**
 * LSTM-1000: a long short-term memory (Hochreiter and Schmidhuber 1997) over a thousand steps, as a `scan`. Backpropagation through time keeps something of
 * each step, unless the loop is told to keep a few states only and to run steps again: the whole memory of this model is a matter of
 * the loop's `checkpoint`, so that is what its loss takes beside the wrap of its step.
 */
import { lax, nn, np, random, type NDArray } from "../../src/index.ts";
import { asItIs, keysOf, weights, type Model, type Wrap } from "./model.ts";

const sizes = {
  small: { steps: 1000, batch: 2, width: 4 },
  full: { steps: 1000, batch: 16, width: 128 },
} as const;

export interface LstmParameters {
  /** [width, 4 width]: of the input, for the gates i, f, o and the candidate. */
  readonly input: NDArray;
  /** [width, 4 width]: of the state. */
  readonly state: NDArray;
  readonly bias: NDArray;
  readonly [name: string]: NDArray;
}
/** Inputs [steps, batch, width], and what the state shall be at the end [batch, width]. */
export interface Sequences {
  readonly xs: NDArray;
  readonly target: NDArray;
  readonly [name: string]: NDArray;
}
/** The states that a loop keeps, as `scan` takes it. */
export type LoopCheckpoint = NonNullable<lax.ScanOptions["checkpoint"]>;

type State = readonly [h: NDArray, c: NDArray];

function cell({ input, state, bias }: LstmParameters, [h, c]: State, x: NDArray): [h: NDArray, c: NDArray] {
  const gates = np.add(np.add(np.matmul(x, input), np.matmul(h, state)), bias);
  const [i, f, o, g] = np.split(gates, 4, { axis: -1 });
  const kept = np.add(np.multiply(nn.sigmoid(f), c), np.multiply(nn.sigmoid(i), np.tanh(g)));
  return [np.multiply(nn.sigmoid(o), np.tanh(kept)), kept];
}

/** The model with the states that its loop keeps; null keeps what every loop keeps, something of each step. */
export const lstmLoss =
  (checkpoint: LoopCheckpoint | null, wrap: Wrap = asItIs) =>
  (params: LstmParameters, { xs, target }: Sequences): NDArray => {
    const block = wrap(cell);
    const zero = np.zeros(target.shape);
    const step = (state: State, x: NDArray): [State, NDArray] => {
      const next = block(params, state, x);
      return [next, np.mean(np.square(next[0]))];
    };
    const [[h], energies] = lax.scan(step, [zero, zero] as State, xs, checkpoint === null ? {} : { checkpoint });
    return np.add(np.mean(np.square(np.subtract(h, target))), np.multiply(0.01, np.mean(energies)));
  };

export const lstm1000: Model<LstmParameters, Sequences> = {
  name: "LSTM-1000",
  init: (key, size) => {
    const { width } = sizes[size];
    const [input, state] = keysOf(key, 2);
    // Gates that remember at first (Gers et al. 2000).
    const bias = np.concatenate([np.zeros([width]), np.ones([width]), np.zeros([2 * width])]);
    return { input: weights(input, [width, 4 * width]), state: weights(state, [width, 4 * width]), bias };
  },
  batch: (key, size) => {
    const { steps, batch, width } = sizes[size];
    const xs = random.normal(key, [steps, batch, width]);
    return { xs, target: np.tanh(np.mean(xs, { axis: 0 })) };
  },
  loss: (wrap: Wrap = asItIs) => lstmLoss(null, wrap),
};
