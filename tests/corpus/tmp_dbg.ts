import { np, makeJaxpr, vjp } from "../../src/index.ts";
import type { NDArray } from "../../src/index.ts";
const x = np.arange(3, { dtype: "float32" });
console.log(String(makeJaxpr((x: NDArray, ct: NDArray) => vjp((x: NDArray) => np.prod(x), x)[1](ct))(x, np.array(1.5))));
console.log(String(makeJaxpr((x: NDArray) => vjp((x: NDArray) => np.prod(x), x)[0])(x)));
