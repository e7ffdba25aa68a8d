/** Calls that have a name beside their program. */
import { leafArray } from "../api/flat.ts";
import { traceBody } from "../api/traceBody.ts";
import { bind } from "../core/interpreter.ts";
import { RematTypeError, UnsupportedError, describe } from "../errors.ts";
import { Tracer } from "../core/interpreter.ts";
import { compositeP } from "../primitives/composite.ts";
import { flatten, unflatten } from "../tree.ts";

export interface CompositeOptions {
  /** Tells versions of what the name means apart. */
  readonly version?: number;
  /** Settings that an engine may read; the decomposition closes over them. A number without fraction is an integer. */
  readonly attributes?: Readonly<Record<string, number | string | boolean>>;
}

/**
 * A function that computes what `decomposition` does, as one equation with a name, which an engine may know a better way for. It must not close over traced
 * arrays.
 *
 * @example
 * const tangent = lax.composite((x: NDArray) => np.sin(x).div(np.cos(x)), "my.tangent");
 * tangent(np.array(0.5)); // 0.5463
 */
export function composite<A extends readonly unknown[], R>(
  decomposition: (...args: A) => R,
  name: string,
  options: CompositeOptions = {},
): (...args: A) => R {
  return (...args) => {
    const { leaves, treedef } = flatten(args);
    const given = leaves.map((x) => {
      const leaf = leafArray(x, "asWritten");
      if (leaf === null) throw new RematTypeError(`composite's operands must hold arrays; got ${describe(x)}.`);
      return leaf;
    });
    const body = traceBody(
      decomposition,
      treedef,
      given.map((x) => x.aval),
      "composite",
    );
    if (body.consts.some((c) => c instanceof Tracer)) {
      throw new UnsupportedError(
        `Found a JAX Tracer as a constant in the decomposition for the composite op '${name}'. This means that the decomposition function closes ` +
          "over a value that is involved in a transformation. All such values should be explicitly passed as arguments to the composite.",
      );
    }
    const outs = bind(compositeP, [...body.consts, ...given], {
      attributes: options.attributes ?? {},
      jaxpr: body.closed,
      name,
      version: options.version ?? 0,
    });
    return unflatten(body.resultTree, outs) as R;
  };
}
