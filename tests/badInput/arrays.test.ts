/** Bad input to traced functions and to functions of arrays: arguments and shapes. */
import { describe } from "vitest";
import * as remat from "../../src/index.ts";
import { lax, np, type NDArray } from "../../src/index.ts";
import { x, s, loose, grad_, jit_, vmap_, checkpoint_, table, worksAfterwards } from "./table.ts";

worksAfterwards();

describe("arguments", () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  table([
    [
      "a string",
      () => jit_((a: NDArray, _b: unknown) => a)(s, "hi"),
      remat.InvalidLeafError,
      ["'_b'", "'hi' of type string", "staticArgnums"],
    ],
    [
      "a function",
      () => jit_((a: NDArray, _b: unknown) => a)(s, Math.sin),
      remat.InvalidLeafError,
      ["the function sin", "Pass it as a static argument"],
    ],
    [
      "undefined inside",
      () => jit_((a: unknown) => a)({ a: undefined }),
      remat.RematTypeError,
      ["['a']", "undefined", "null for nothing"],
    ],
    [
      "an object that holds itself",
      () => jit_((a: unknown) => a)(cyclic),
      remat.RematTypeError,
      ["no end", "registerNode"],
    ],
    [
      "an argnum that is not passed",
      () => grad_((a: NDArray) => a, { argnums: 2 })(s),
      remat.RematTypeError,
      ["argument 2", "at least 3 positional", "got only 1"],
    ],
    [
      "a negative argnum that is not passed",
      () => grad_((a: NDArray) => a, { argnums: -3 })(s),
      remat.FunctionArgumentError,
      ["-3", "1 positional", "Name an argument"],
    ],
    [
      "a fraction of an argnum",
      () => grad_((a: NDArray) => a, { argnums: 0.5 })(s),
      remat.FunctionArgumentError,
      ["0.5", "integer"],
    ],
    [
      "a static argnum that is not passed (checkpoint)",
      () => checkpoint_((a: NDArray) => a, { staticArgnums: 4 })(s),
      remat.RematValueError,
      ["(4,)", "`len(args)` = 1"],
    ],
    [
      "a static argnum that is no integer",
      () => checkpoint_((a: NDArray) => a, { staticArgnums: 0.5 })(s),
      remat.RematTypeError,
      ["got value 0.5"],
    ],
    [
      "a static argnum that is not passed (jit)",
      () => jit_((a: NDArray) => a, { staticArgnums: 4 })(s),
      remat.FunctionArgumentError,
      ["4", "1 positional"],
    ],
    ["something that is no function", () => grad_(3), remat.RematTypeError, ["grad takes a function", "number"]],
    ["no function for jit", () => jit_(null), remat.RematTypeError, ["jit takes a function", "null"]],
    ["no function for vmap", () => vmap_(undefined), remat.RematTypeError, ["vmap takes a function", "undefined"]],
    [
      "no function for checkpoint",
      () => checkpoint_(3),
      remat.RematTypeError,
      ["checkpoint takes a function", "3 of type number"],
    ],
  ]);
});

describe("arrays", () => {
  table([
    ["a ragged list", () => np.array([[1], [2, 3]]), remat.ShapeError, ["ragged", "[1] and [2]", "equal length"]],
    ["a list of uneven depth", () => np.array([[1], 2]), remat.ShapeError, ["ragged", "[1] and []"]],
    ["a string", () => loose(np.array)(["a"]), remat.RematTypeError, ["string", "Elements are numbers"]],
    ["undefined", () => loose(np.array)([1, undefined]), remat.RematTypeError, ["undefined"]],
    ["null", () => loose(np.array)(null), remat.RematTypeError, ["null"]],
    ["a shape with NaN", () => np.zeros([NaN]), remat.RematTypeError, ["(NaN,)", "integer", "whole numbers"]],
    ["a shape with a fraction", () => np.ones([2, 1.5]), remat.RematTypeError, ["(2, 1.5)", "whole numbers"]],
    ["a negative size", () => np.zeros([2, -3]), remat.RematTypeError, ["(2, -3)", "nonnegative"]],
    ["an infinite size", () => np.zeros([Infinity]), remat.RematTypeError, ["Infinity"]],
    ["a negative eye", () => np.eye(-1), remat.RematValueError, ["-1"]],
    ["arange of NaN", () => np.arange(NaN), remat.RematValueError, ["NaN", "finite"]],
    ["arange of infinity", () => np.arange(Infinity), remat.RematValueError, ["infinity"]],
    ["a fraction of a sample", () => np.linspace(0, 1, 2.5), remat.RematTypeError, ["2.5", "integer"]],
    ["a dtype that does not exist", () => loose(np.zeros)([2], "float33"), remat.DTypeError, ["float33", "float32"]],
    ["a reshape of another size", () => np.reshape(x, [2, 2]), remat.RematTypeError, ["(3,)", "(2, 2)", "size 4"]],
    ["two unknown sizes", () => np.reshape(x, [-1, -1]), remat.RematTypeError, ["(-1, -1)"]],
    ["an axis that is not there", () => np.sum(x, 3), remat.RematValueError, ["axis 3", "dimension 1"]],
    ["an index of a fraction", () => x.get(0.5), remat.RematTypeError, ["integer or boolean", "float"]],
    ["too many indices", () => x.get(0, 0), remat.RematIndexError, ["1-dimensional", "2"]],
    ["shapes that do not broadcast", () => np.add(np.ones([2]), x), remat.ShapeError, ["(2,)", "(3,)", "reshape"]],
    [
      "a product of shapes that do not fit",
      () => np.dot(np.ones([2, 3]), np.ones([2, 3])),
      remat.ShapeError,
      ["float32[2,3]", "(3,) and (2,)", "transpose"],
    ],
    [
      "arrays of different rank in a row",
      () => np.concatenate([np.ones([2, 2]), x]),
      remat.ShapeError,
      ["(2, 2), (3,)"],
    ],
    [
      "weights of samples that are not there",
      () => np.cov(np.ones([2, 3]), { aweights: [1, 2] }),
      remat.RematValueError,
      ["incompatible numbers of samples and aweights", "3", "(2,)"],
    ],
    [
      "counts that are none",
      () => np.cov(np.ones([2, 3]), { fweights: x }),
      remat.RematTypeError,
      ["integer", "float32"],
    ],
    [
      "weights for a method without",
      () => np.quantile(x, 0.5, { weights: x }),
      remat.UnsupportedError,
      ["linear doesn't support weights", "inverted_cdf"],
    ],
    [
      "weights that do not fit",
      () => np.quantile(np.ones([2, 3]), 0.5, 1, { weights: np.ones([2]), method: "inverted_cdf" }),
      remat.RematValueError,
      ["(2,)", "(3,)"],
    ],
    [
      "half of a batch",
      () => lax.map((v: NDArray) => v, x, { batchSize: 0.5 }),
      remat.RematValueError,
      ["0.5", "whole"],
    ],
    ["a slice from a fraction", () => lax.slice(x, [0.5], [2]), remat.ShapeError, ["(0.5,)", "integer"]],
    ["einsum with a letter too many", () => np.einsum("ij->i", x), remat.RematValueError, ["'ij'", "(3,)"]],
  ]);
});
