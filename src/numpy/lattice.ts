/**
 * Which dtype comes out when dtypes meet: JAX's promotion lattice. It is a partial order in which the weak types of host scalars stand
 * below the types of arrays of their kind, so that a scalar never widens an array; the result is the least upper bound.
 *
 *     bool - i* - u8 - u16 - u32 - u64 - f* - bf16 - f32 - f64
 *              \- i8 - i16 - i32 - i64 /    \- f16 /    \- c64 - c128   (c* between f* and c64)
 */
import { x64Enabled } from "../core/config.ts";
import { dtypes, type DType } from "../core/dtype.ts";
import { canonicalDType } from "../core/scalar.ts";
import { RematValueError } from "../errors.ts";

type WeakNode = "i*" | "f*" | "c*";
type Node = Exclude<DType, "float0" | "key<fry>"> | WeakNode;

const above: Readonly<Record<Node, readonly Node[]>> = {
  bool: ["i*"],
  "i*": ["uint8", "int8"],
  uint8: ["int16", "uint16"],
  uint16: ["int32", "uint32"],
  uint32: ["int64", "uint64"],
  uint64: ["f*"],
  int8: ["int16"],
  int16: ["int32"],
  int32: ["int64"],
  int64: ["f*"],
  "f*": ["bfloat16", "float16", "c*"],
  bfloat16: ["float32"],
  float16: ["float32"],
  float32: ["float64", "complex64"],
  float64: ["complex128"],
  "c*": ["complex64"],
  complex64: ["complex128"],
  complex128: [],
};

/** Each node with all nodes above it. Without 64-bit types, uint32 with int32 gives int32 rather than int64. */
function upperBounds(x64: boolean): ReadonlyMap<Node, ReadonlySet<Node>> {
  const edges: Readonly<Record<Node, readonly Node[]>> = x64 ? above : { ...above, uint32: ["int32", "uint64"] };
  const bounds = new Map<Node, ReadonlySet<Node>>();
  const visit = (node: Node): ReadonlySet<Node> => {
    const known = bounds.get(node);
    if (known !== undefined) return known;
    const all = new Set<Node>([node]);
    for (const next of edges[node]) for (const b of visit(next)) all.add(b);
    bounds.set(node, all);
    return all;
  };
  for (const node of Object.keys(edges) as Node[]) visit(node);
  return bounds;
}

const bounds64 = upperBounds(true);
const bounds32 = upperBounds(false);

function leastUpperBound(nodes: readonly Node[]): Node {
  const bounds = x64Enabled() ? bounds64 : bounds32;
  const common = [...bounds.get(nodes[0])!].filter((b) => nodes.every((n) => bounds.get(n)!.has(b)));
  const least = nodes.find((n) => common.includes(n)) ?? common.find((c) => common.every((d) => bounds.get(c)!.has(d)));
  if (least === undefined) {
    throw new RematValueError(
      `Input dtypes (${nodes.join(", ")}) have no available implicit dtype promotion path.\nCast inputs to the desired output type with x.astype(...).`,
    );
  }
  return least;
}

/** A dtype and whether it is weak. */
export interface Typed {
  readonly dtype: DType;
  readonly weakType: boolean;
}

function nodeOf({ dtype, weakType }: Typed): Node {
  if (dtype === "float0" || dtype === "key<fry>") {
    throw new RematValueError(
      `dtype=${dtype} is not a valid dtype for type promotion.\nConvert the array to numbers first.`,
    );
  }
  if (!weakType || dtype === "bool") return dtype;
  const kind = dtypes[dtype].kind;
  return kind === "complex" ? "c*" : kind === "float" ? "f*" : "i*";
}

const weakDType: Readonly<Record<WeakNode, DType>> = { "i*": "int64", "f*": "float64", "c*": "complex128" };
const isWeakNode = (node: Node): node is WeakNode => node in weakDType;

/** The dtype, and its weakness, in which values of the given types meet. */
export function latticeResultType(xs: readonly Typed[]): Typed {
  const [first] = xs;
  if (first === undefined)
    throw new RematValueError("at least one array or dtype is required to find a result type, got none.");
  if (xs.length === 1) return { dtype: first.dtype, weakType: first.weakType && first.dtype !== "bool" };
  const allWeak = xs.every((x) => x.weakType);
  if (!allWeak && xs.every((x) => x.dtype === first.dtype)) return { dtype: first.dtype, weakType: false };
  const node = leastUpperBound(xs.map((x) => nodeOf(allWeak ? { dtype: x.dtype, weakType: false } : x)));
  const dtype = canonicalDType(isWeakNode(node) ? weakDType[node] : node);
  return { dtype, weakType: dtype !== "bool" && (allWeak || isWeakNode(node)) };
}
