/** Modules of one loop over memory, around the code of one vector function; and distances of float32 numbers in units in the last place. */
import { importHost, hostImports } from "../../../src/engines/wasm/code/host.ts";
import { VectorCode } from "../../../src/engines/wasm/code/vectorCode.ts";
import type { Local } from "../../../src/engines/wasm/encode/function.ts";
import { ModuleBuilder } from "../../../src/engines/wasm/encode/module.ts";

export type Emit = (c: VectorCode, args: readonly Local[]) => void;

const PAGE = 65_536;

/** `run(n)` applies the code to n bytes of each operand; operands and result lie one after another, `room` bytes each. */
export function moduleOf(emit: Emit, operands: number, room: number, wide = false): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { min: 1 });
  const host = importHost(module);
  const f = module.func(["i32"]);
  const c = new VectorCode(f, wide, host);
  const i = f.local("i32");
  f.forRange(i, 0, { local: 0 }, 16, () => {
    const args = Array.from({ length: operands }, (_, k) => {
      f.get(i).mem("v128.load", k * room, 2);
      return c.keep();
    });
    f.get(i);
    emit(c, args);
    f.mem("v128.store", operands * room, 2);
  });
  module.export("run", f);
  return module.encode();
}

export type Vector = Float32Array | Int32Array | Uint32Array | Float64Array | BigInt64Array | BigUint64Array;

export interface Prepared {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly run: () => void;
  readonly result: Uint8Array;
}

/** The module with the operands in its memory. Lengths are multiples of a vector. */
export function prepare(emit: Emit, operands: readonly Vector[], wide = false): Prepared {
  const size = operands[0].byteLength;
  const bytes = moduleOf(emit, operands.length, size, wide);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(((operands.length + 1) * size) / PAGE) + 1 });
  operands.forEach((x, k) => {
    new Uint8Array(memory.buffer, k * size, size).set(new Uint8Array(x.buffer, x.byteOffset, size));
  });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, math: hostImports });
  const run = instance.exports.run as (n: number) => void;
  return {
    bytes,
    run: () => {
      run(size);
    },
    result: new Uint8Array(memory.buffer, operands.length * size, size),
  };
}

/** The result on float32 operands. */
export function onFloats(emit: Emit, ...operands: readonly Float32Array[]): Float32Array {
  const n = operands[0].length;
  const padded = operands.map((x) => {
    const full = new Float32Array(Math.ceil(n / 4) * 4);
    full.set(x);
    return full;
  });
  const { run, result } = prepare(emit, padded);
  run();
  return new Float32Array(result.slice().buffer).subarray(0, n);
}

const lastPlace = new Float32Array(1);
const lastBits = new Int32Array(lastPlace.buffer);

/** The distance of float32 numbers next to x. */
export function ulpOf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2 ** -125) return 2 ** -149;
  lastPlace[0] = Math.min(magnitude, 3.4028234663852886e38);
  // Halfway cases may round up to the next power of two.
  if (lastPlace[0] > magnitude) lastBits[0]--;
  return 2 ** ((lastBits[0] >> 23) - 150);
}

/** How far `got` is from the exact value, in units in the last place of float32; infinite where it is of another kind. */
export function ulpDistance(got: number, exact: number): number {
  const nearest = Math.fround(exact);
  if (Object.is(got, nearest)) return 0;
  if (Number.isNaN(got) || Number.isNaN(nearest)) return Infinity;
  // A sign lost is a different kind of number.
  if (got === 0 && nearest === 0) return Infinity;
  const limit = 2 ** 128;
  const [a, b] = [got, exact].map((v) => Math.max(-limit, Math.min(limit, v)));
  return Math.abs(a - b) / ulpOf(b);
}

/** Numbers of all signs and exponents, `perExponent` of each, with the special ones. */
export function samples(perExponent: number): Float32Array {
  const values: number[] = [0, -0, Infinity, -Infinity, NaN, 1, -1, 0.5, -0.5, 2 ** -126, 2 ** -149, -(2 ** -149)];
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  let state = 12345;
  for (let exponent = 0; exponent < 255; exponent++) {
    for (let i = 0; i < perExponent; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bits[0] = (exponent << 23) | (state >>> 9) | (i % 2 === 0 ? 0 : 0x80000000);
      values.push(float[0]);
    }
  }
  return Float32Array.from(values);
}

/** Evenly spaced numbers. */
export const range = (low: number, high: number, n: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
