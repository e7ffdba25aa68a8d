/** V8's joining of pairs of 128-bit vectors to vectors of 256 bits, which it does where it is told to and the processor has AVX2. */
import { UnsupportedError } from "../../errors.ts";

interface NodeV8 {
  setFlagsFromString(flags: string): void;
}

interface Surroundings {
  readonly process?: {
    readonly versions?: { readonly node?: string };
    readonly getBuiltinModule?: (name: string) => unknown;
  };
}

/** The first version of Node whose V8 does it without a change of bits. */
const FIRST_NODE = 24;

/** Tells V8 to join pairs of vectors in what it compiles from now on. */
export function pairVectors(): void {
  const { process }: Surroundings = globalThis;
  const node = process?.versions?.node;
  const v8 = process?.getBuiltinModule?.("node:v8") as NodeV8 | undefined;
  if (v8 === undefined || !(Number.parseInt(node ?? "", 10) >= FIRST_NODE)) {
    throw new UnsupportedError(
      `a wasm engine was asked for with vectorBits: 256, which Node ${String(FIRST_NODE)} and newer can do; this is ${node === undefined ? "not Node" : `Node ${node}`}.\n` +
        "Leave vectorBits out.",
    );
  }
  v8.setFlagsFromString("--experimental-wasm-revectorize");
}
