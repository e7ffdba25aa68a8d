/** Runs routines of the runtime module in a memory of their own, and watches the bytes around what they may write. */
import { placeBlock, type RuntimeCall } from "../../src/engines/wasm/runtime/arguments.ts";
import { runtimeModule } from "../../src/engines/wasm/runtime/runtimeModule.ts";

export type Floats = Float32Array | Float64Array | Int32Array;

const PAGE = 65_536;
const GUARD = 64;
const GUARD_BYTE = 0x5a;

const memory = new WebAssembly.Memory({ initial: 64, maximum: 65_536 });
const instances = [false, true].map(
  (fast) => () => new WebAssembly.Instance(runtimeModule({ fast }), { env: { memory } }).exports,
);
const exports: (WebAssembly.Instance["exports"] | undefined)[] = [];

/** The result of a call; `ranges` says into how many pieces its units are cut, the last one running first. */
export function runRoutine<T extends Floats>(
  call: RuntimeCall,
  lhs: T,
  rhs: T,
  out: T,
  {
    ranges = 1,
    fast = false,
    rhsOffset = 0,
  }: { readonly ranges?: number; readonly fast?: boolean; readonly rhsOffset?: number } = {},
): T {
  const places: number[] = [];
  let at = GUARD;
  for (const bytes of [call.block.byteLength, lhs.byteLength, rhs.byteLength, out.byteLength, call.workspaceBytes]) {
    places.push(at);
    at = Math.ceil((at + bytes) / 64) * 64 + GUARD;
  }
  at += 4096;
  const missing = Math.ceil(at / PAGE) - memory.buffer.byteLength / PAGE;
  if (missing > 0) memory.grow(missing);
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(GUARD_BYTE, 0, at);
  const [block, left, right, result, workspace] = places;
  const put = (x: Floats, place: number): void => {
    bytes.set(new Uint8Array(x.buffer, x.byteOffset, x.byteLength), place);
  };
  put(lhs, left);
  put(rhs, right);
  put(out, result);
  placeBlock(memory.buffer, block, call.block, { out: result, lhs: left, rhs: right + rhsOffset, workspace });
  const before = bytes.slice(0, at);
  const fn = (exports[Number(fast)] ??= instances[Number(fast)]())[call.routine] as (...xs: number[]) => void;
  const size = Math.ceil(call.units / ranges);
  for (let r = ranges - 1; r >= 0; r--) fn(block, Math.min(call.units, r * size), Math.min(call.units, (r + 1) * size));
  for (let i = 0; i < at; i++) {
    const writable =
      (i >= result && i < result + out.byteLength) || (i >= workspace && i < workspace + call.workspaceBytes);
    if (!writable && bytes[i] !== before[i]) throw new Error(`${call.routine} wrote to byte ${i}, outside of its room`);
  }
  const made = out.slice();
  new Uint8Array(made.buffer).set(bytes.subarray(result, result + out.byteLength));
  return made as T;
}

/** Bits in which two arrays differ, NaNs of all kinds being equal: the first place, or -1. */
export function firstDifference(x: Floats, y: Floats): number {
  if (x.length !== y.length) return 0;
  for (let i = 0; i < x.length; i++) if (!Object.is(x[i], y[i])) return i;
  return -1;
}
