/** Arrays out of nothing: counting along an axis (`iota`), and room whose elements do not matter (`empty`, `empty2`). */
import type { NDArray } from "../core/array.ts";
import { ShapedArray, type MemorySpace, type Shape } from "../core/aval.ts";
import { kindOf, type DType } from "../core/dtype.ts";
import { bind1 } from "../core/interpreter.ts";
import type { Primitive } from "../core/primitive.ts";
import { DTypeError, RematValueError } from "../errors.ts";
import { zeroJvp } from "./algebra.ts";
import { tupleText } from "./axes.ts";

export type IotaParams = {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly dimension: number;
  readonly sharding: null;
};

export const iota: Primitive<IotaParams> = {
  name: "iota",
  type(_avals, { dtype, shape, dimension }) {
    if (!["int", "uint", "float", "complex"].includes(kindOf(dtype))) {
      throw new DTypeError(`iota does not accept dtype ${dtype}. Accepted dtypes are subtypes of number.`);
    }
    if (dimension < 0 || dimension >= shape.length) {
      throw new RematValueError(
        `iota dimension must be between 0 and len(shape), got dimension=${dimension} for shape=${tupleText(shape)}.`,
      );
    }
    return [new ShapedArray(shape, dtype)];
  },
  jvp: zeroJvp(() => iota),
};

export type EmptyParams = { readonly shape: Shape; readonly dtype: DType; readonly out_sharding: null };

export const empty: Primitive<EmptyParams> = {
  name: "empty",
  type: (_avals, { shape, dtype }) => [new ShapedArray(shape, dtype)],
  jvp: zeroJvp(() => empty),
};

export type Empty2Params = { readonly dtype: DType; readonly memory_space: MemorySpace };

/** A scalar without a value, which loops broadcast to get the room for their outputs. */
export const empty2: Primitive<Empty2Params> = {
  name: "empty2",
  type: (_avals, { dtype, memory_space }) => [new ShapedArray([], dtype, false, memory_space)],
  jvp: zeroJvp(() => empty2),
  print: ({ dtype, memory_space }) => [
    ["dtype", dtype],
    ["memory_space", memory_space === "host" ? "MemorySpace.Host" : "MemorySpace.Device"],
  ],
};

export type PlatformIndexParams = { readonly platforms: readonly (readonly string[] | null)[] };

/** Which of the lists of platforms the program runs on is in; null stands for all others. */
export const platformIndex: Primitive<PlatformIndexParams> = {
  name: "platform_index",
  type: () => [new ShapedArray([], "int32")],
  jvp: zeroJvp(() => platformIndex),
};

export const iotaPrimitives = [iota, empty, empty2, platformIndex] as const;

/** The index along one axis, at every place of an array of the given shape. */
export const counted = (dtype: DType, shape: Shape, dimension: number): NDArray =>
  bind1(iota, [], { dtype, shape: [...shape], dimension, sharding: null });
