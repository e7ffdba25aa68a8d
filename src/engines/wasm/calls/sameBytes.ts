/** Equations whose results have the bytes of their operand: numbers read as another dtype, keys as their words. */
import type { CallCode } from "./callCode.ts";

export const sameBytes: CallCode = {
  fits: ({ outvars: [out] }, [x]) => x.nbytes === out.aval.nbytes && x.nbytes > 0,
  emit({ f, step, addresses: [x, out] }) {
    f.get(out).get(x).i32(step.inAvals[0].nbytes).memoryCopy();
  },
};
