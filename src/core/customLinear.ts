/**
 * `custom_lin`: the linear part of a function with a reverse rule, in the tangent program. It can only be transposed, which calls the
 * user's rule; pushing tangents forward through it is an error.
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { CustomVjpCall } from "./custom.ts";
import { bind } from "./interpreter.ts";
import type { Params } from "./jaxpr.ts";
import type { Primitive, Tangent } from "./primitive.ts";
import { instantiate } from "./zeros.ts";
import { RematTypeError } from "../errors.ts";

export interface CustomLinParams extends Params {
  readonly bwd: CustomVjpCall["bwd"];
  readonly bwd_name: string;
  readonly in_zeros: readonly boolean[];
  readonly num_res: number;
  readonly out_avals: readonly ShapedArray[];
  readonly symbolic_zeros: boolean;
}

export const customLin: Primitive<CustomLinParams> = {
  name: "custom_lin",
  type: (_avals, params) => params.out_avals,
  evaluate() {
    throw forwardOfCustomVjp();
  },
  batch() {
    throw forwardOfCustomVjp();
  },
  transposesZeros: true,
  transpose(cts, args, params) {
    const given = params.symbolic_zeros ? cts : cts.map((ct, i) => instantiate(ct, params.out_avals[i]));
    const residuals = args.slice(0, params.num_res) as readonly NDArray[];
    const all = params.bwd(residuals, given);
    return [...residuals.map(() => null), ...all.filter((_, i) => !params.in_zeros[i])];
  },
  print: (params) => [
    ["bwd", params.bwd_name],
    ["in_zeros", new PrintedList(params.in_zeros)],
    ["num_res", params.num_res],
    ["symbolic_zeros", params.symbolic_zeros],
  ],
};

/** Python prints this parameter as a list. */
class PrintedList {
  readonly items: readonly boolean[];
  constructor(items: readonly boolean[]) {
    this.items = items;
  }
  toString(): string {
    return `[${this.items.map((b) => (b ? "True" : "False")).join(", ")}]`;
  }
}

/** The tangents of a call of a function with a reverse rule. */
export function customLinear(
  call: Pick<CustomVjpCall, "bwd" | "bwdName" | "symbolicZeros">,
  residuals: readonly NDArray[],
  tangents: readonly Tangent[],
  outs: readonly NDArray[],
): readonly NDArray[] {
  const params: CustomLinParams = {
    bwd: call.bwd,
    bwd_name: call.bwdName,
    in_zeros: tangents.map((t) => t === null),
    num_res: residuals.length,
    out_avals: outs.map((x) => x.aval.toTangent()),
    symbolic_zeros: call.symbolicZeros,
  };
  return bind(customLin, [...residuals, ...tangents.filter((t) => t !== null)], params);
}

/** The error for forward-mode differentiation of a function that has only a reverse rule. */
export const forwardOfCustomVjp = (): RematTypeError =>
  new RematTypeError(
    "forward-mode autodiff (jvp) of a function with a custom reverse rule was asked for: can't apply forward-mode autodiff (jvp) to a " +
      "custom_vjp function. Give it a forward rule (customJvp), or use vjp or grad.",
  );
