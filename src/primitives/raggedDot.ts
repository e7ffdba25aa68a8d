/**
 * `ragged_dot_general`: a product whose rows fall into groups, one after the other, each with a right operand of its own: what mixtures of experts compute. If
 * the ragged axis is contracted, there is one product for each group instead, stacked along a new leading axis; that is the derivative by the right operand.
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import { UndefinedPrimal, type Operand, type Primitive, type Tangent } from "../core/primitive.ts";
import { Verbatim } from "../core/print.ts";
import { NotDifferentiableError, RematTypeError } from "../errors.ts";
import { add } from "./arithmetic.ts";
import { argsort, range, remaining, tupleText } from "./axes.ts";
import { zerosLike } from "./broadcasting.ts";
import { convertElementType } from "./convert.ts";
import { dotShape, precisionText, type DotDimensionNumbers, type PrecisionPair } from "./dot.ts";
import { batchedInFront, transposed } from "./shape.ts";

/** Dimension numbers of a product with groups. */
export interface RaggedDotDimensionNumbers {
  readonly dotDimensionNumbers: DotDimensionNumbers;
  /** The axis of the left operand whose elements fall into groups. */
  readonly lhsRaggedDimensions: readonly number[];
  /** The axis of the right operand that counts the groups; none if the ragged axis is contracted. */
  readonly rhsGroupDimensions: readonly number[];
}

export type RaggedDotParams = {
  readonly group_offset: null;
  readonly out_sharding: null;
  readonly precision: PrecisionPair | null;
  readonly preferred_element_type: DType | null;
  readonly ragged_dot_dimension_numbers: RaggedDotDimensionNumbers;
};

/** Whether the ragged axis is contracted, paired, or neither. */
export function raggedMode({
  dotDimensionNumbers,
  lhsRaggedDimensions,
}: RaggedDotDimensionNumbers): "contracting" | "batch" | "kept" {
  const [[contract], [batch]] = dotDimensionNumbers;
  const axis = lhsRaggedDimensions[0];
  return contract.includes(axis) ? "contracting" : batch.includes(axis) ? "batch" : "kept";
}

function outShape(lhs: ShapedArray, rhs: ShapedArray, groups: ShapedArray, dims: RaggedDotDimensionNumbers): number[] {
  const [[lc, rc], [lb, rb]] = dims.dotDimensionNumbers;
  // The axis of groups counts as contracted: it is not in the result.
  const shape = dotShape(lhs.shape, rhs.shape, [[lc, [...rc, ...dims.rhsGroupDimensions]], [lb, rb]]); // prettier-ignore
  return raggedMode(dims) === "contracting" ? [groups.shape.at(-1)!, ...shape] : shape;
}

const again = (params: RaggedDotParams, dims: RaggedDotDimensionNumbers): RaggedDotParams => ({
  ...params,
  ragged_dot_dimension_numbers: dims,
});

export const raggedDotP: Primitive<RaggedDotParams> = {
  name: "ragged_dot_general",
  type([lhs, rhs, groups], { ragged_dot_dimension_numbers: dims, preferred_element_type: preferred }) {
    const [[lc, rc], [lb, rb]] = dims.dotDimensionNumbers;
    const pairs = [...lc.map((d, i) => [d, rc[i]]), ...lb.map((d, i) => [d, rb[i]])];
    if (dims.lhsRaggedDimensions.length !== 1) {
      throw new RematTypeError(
        `ragged_dot_general expects exactly one lhs ragged dimension: got ${tupleText(dims.lhsRaggedDimensions)}.`,
      );
    }
    if (pairs.some(([l, r]) => lhs.shape[l] !== rhs.shape[r]) || lc.length !== rc.length || lb.length !== rb.length) {
      throw new RematTypeError(
        `ragged_dot_general requires contracting and batch dimensions of equal sizes: the operands are ${lhs.toLongString()} and ` +
          `${rhs.toLongString()}. Check the dimension numbers.`,
      );
    }
    const group = dims.rhsGroupDimensions[0];
    if (raggedMode(dims) !== "contracting" && raggedMode(dims) !== "batch") {
      if (group === undefined || rhs.shape[group] !== groups.shape.at(-1)) {
        throw new RematTypeError(
          `ragged_dot_general requires one rhs group dimension, of as many elements as there are group sizes: rhs is ${rhs.toLongString()}, ` +
            `rhs_group_dimensions=${tupleText(dims.rhsGroupDimensions)}, group_sizes is ${groups.toLongString()}.`,
        );
      }
    }
    const dtype = preferred ?? lhs.dtype;
    return [lhs.update({ shape: outShape(lhs, rhs, groups, dims), dtype, weakType: lhs.weakType && rhs.weakType })];
  },
  jvp([x, y, groups], [dx, dy], params) {
    const out = bind1(raggedDotP, [x, y, groups], params);
    const fromX = dx === null ? zerosLike(out) : bind1(raggedDotP, [dx, y, groups], params);
    const fromY = dy === null ? zerosLike(out) : bind1(raggedDotP, [x, dy, groups], params);
    return { primals: [out], tangents: [add(fromX, fromY)] };
  },
  transpose([ct], [x, y, groups], params) {
    const { dotDimensionNumbers, lhsRaggedDimensions, rhsGroupDimensions: group } = params.ragged_dot_dimension_numbers;
    const [[lc, rc], [lb, rb]] = dotDimensionNumbers;
    const mode = raggedMode(params.ragged_dot_dimension_numbers);
    if (mode === "batch") {
      throw new NotDifferentiableError(
        "the transpose of a ragged product was asked for whose ragged axis is a batch: Unimplemented for ragged dot general in this mode, here as " +
          "in JAX.",
      );
    }
    if (mode === "contracting") return transposeContracting(ct!, x, y, groups as NDArray, params);
    const xKept = remaining(x.aval.ndim, lc, lb);
    const yKept = remaining(y.aval.ndim, rc, rb, group);
    const ragged = lb.length + xKept.indexOf(lhsRaggedDimensions[0]);
    const batch = range(lb.length);
    const ofX = range(xKept.length, lb.length);
    const ofY = range(yKept.length, lb.length + xKept.length);
    const settle = (out: NDArray, axes: readonly number[], aval: ShapedArray): NDArray => {
      const result = transposed(out, argsort(axes));
      return result.dtype === aval.dtype ? result : convertElementType(result, aval.dtype, aval.weakType);
    };
    if (x instanceof UndefinedPrimal) {
      const dims: RaggedDotDimensionNumbers = {
        dotDimensionNumbers: [[ofY, yKept], [batch, rb]], // prettier-ignore
        lhsRaggedDimensions: [ragged],
        rhsGroupDimensions: group,
      };
      const out = bind1(raggedDotP, [ct!, y as NDArray, groups as NDArray], again(params, dims));
      const contracted = argsort(rc).map((i) => lc[i]);
      return [settle(out, [...lb, ...xKept, ...contracted], x.aval), null, null];
    }
    const dims: RaggedDotDimensionNumbers = {
      dotDimensionNumbers: [[xKept, ofX], [lb, batch]], // prettier-ignore
      lhsRaggedDimensions,
      rhsGroupDimensions: [],
    };
    const out = bind1(raggedDotP, [x, ct!, groups as NDArray], again(params, dims));
    const contracted = argsort(lc).map((i) => rc[i]);
    return [null, settle(out, [...group, ...rb, ...contracted, ...yKept], y.aval), null];
  },
  batch(size, args, dims, params) {
    const [x, y, groups] = args.map((a, i) => batchedInFront(a, dims[i], size));
    const old = params.ragged_dot_dimension_numbers;
    const [[lc, rc], [lb, rb]] = old.dotDimensionNumbers;
    const up = (axes: readonly number[]): number[] => axes.map((d) => d + 1);
    const next: RaggedDotDimensionNumbers = {
      dotDimensionNumbers: [[up(lc), up(rc)], [[0, ...up(lb)], [0, ...up(rb)]]], // prettier-ignore
      lhsRaggedDimensions: up(old.lhsRaggedDimensions),
      rhsGroupDimensions: up(old.rhsGroupDimensions),
    };
    const out = raggedMode(old) === "contracting" ? 1 : 0;
    return { outs: [bind1(raggedDotP, [x, y, groups], again(params, next))], dims: [out] };
  },
  print({ precision, preferred_element_type: preferred, ragged_dot_dimension_numbers: dims }) {
    const [[lc, rc], [lb, rb]] = dims.dotDimensionNumbers.map((pair) => pair.map((axes) => tupleText(axes)));
    return [
      ["group_offset", null],
      ["out_sharding", null],
      ["precision", precision === null ? null : new Verbatim(precisionText(precision))],
      ["preferred_element_type", preferred],
      [
        "ragged_dot_dimension_numbers",
        new Verbatim(
          `RaggedDotDimensionNumbers(dot_dimension_numbers=((${lc}, ${rc}), (${lb}, ${rb})), ` +
            `lhs_ragged_dimensions=${tupleText(dims.lhsRaggedDimensions)}, rhs_group_dimensions=${tupleText(dims.rhsGroupDimensions)})`,
        ),
      ],
    ];
  },
};

/** Where the ragged axis is contracted, each group's cotangent belongs to its rows: a product of the other kind. JAX has no rule for it. */
function transposeContracting(
  ct: NDArray,
  x: Operand,
  y: Operand,
  groups: NDArray,
  params: RaggedDotParams,
): readonly Tangent[] {
  const { dotDimensionNumbers, lhsRaggedDimensions } = params.ragged_dot_dimension_numbers;
  const [[lc, rc], [lb, rb]] = dotDimensionNumbers;
  const ragged = lc.indexOf(lhsRaggedDimensions[0]);
  const [xKept, yKept] = [remaining(x.aval.ndim, lc, lb), remaining(y.aval.ndim, rc, rb)];
  const batch = range(lb.length, 1);
  const ofX = range(xKept.length, lb.length + 1);
  const ofY = range(yKept.length, lb.length + 1 + xKept.length);
  const [known, kept, own, ofKnown] = x instanceof UndefinedPrimal ? [y, yKept, rc, ofY] : [x, xKept, lc, ofX];
  const dims: RaggedDotDimensionNumbers = {
    dotDimensionNumbers: [[kept, ofKnown], [x instanceof UndefinedPrimal ? rb : lb, batch]], // prettier-ignore
    lhsRaggedDimensions: [own[ragged]],
    rhsGroupDimensions: [0],
  };
  const out = bind1(raggedDotP, [known as NDArray, ct, groups], again(params, dims));
  const order = argsort(own);
  if (x instanceof UndefinedPrimal) {
    return [transposed(out, argsort([...lb, ...order.map((i) => lc[i]), ...xKept])), null, null];
  }
  return [null, transposed(out, argsort([...rb, ...order.map((i) => rc[i]), ...yKept])), null];
}

export const raggedDotPrimitives = [raggedDotP] as const;
