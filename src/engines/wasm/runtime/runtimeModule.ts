/**
 * The runtime module: one for the process, shared by all programs, so that V8 optimizes it once. It imports the memory on which it works as
 * `env.memory`, and exports one function a routine: (address of the argument block, first unit, end).
 */
import { ModuleBuilder, type Callable } from "../encode/module.ts";
import { depthwise } from "./depthwise.ts";
import { directProduct } from "./directProduct.ts";
import { exactF32, exactF64, fusedF32, fusedF64, tileColumns, wrappingI32, type Element } from "./element.ts";
import { directTile, packedTile, scatterTile } from "./microKernel.ts";
import { listOffsets, listSteps } from "./lines.ts";
import { packPanel, packRun } from "./pack.ts";
import { packedProduct } from "./packedProduct.ts";
import { addPools, poolRoutines } from "./poolingCode.ts";
import { vectorByColumns, vectorByRows } from "./vectorProduct.ts";

export interface RuntimeOptions {
  /** The memory is shared between threads. */
  readonly shared?: boolean;
  /** Products are fused with the sums they are added to (relaxed SIMD): faster, other bits. Ask `hasFused` first. */
  readonly fast?: boolean;
}

/** The routines of products; each is there for every kind of number. */
const products = ["packed", "direct", "byRows", "byColumns"] as const;

/** What the module exports. */
export const runtimeRoutines: readonly string[] = [
  ...products.flatMap((name) => ["f32", "f64", "i32"].map((type) => `${name}_${type}`)),
  ...poolRoutines,
  "depthwise_f32",
];

/** 4 GiB, the most that 32 bits address. */
const MAX_PAGES = 65_536;

function addProducts(module: ModuleBuilder, el: Element): void {
  const panels = new Map<number, Callable>();
  const pack = (width: number): Callable => {
    let fn = panels.get(width);
    if (fn === undefined) {
      const panel = { width, bytes: el.bytes };
      panels.set(width, (fn = packPanel(module, packRun(module, panel), panel)));
    }
    return fn;
  };
  const parts = {
    scatter: scatterTile(module, el),
    packA: pack(el.tileRows),
    packB: pack(tileColumns(el)),
    offsets: listOffsets(module),
    steps: listSteps(module),
  };
  const export_ = (name: (typeof products)[number], fn: Callable): void => {
    module.export(`${name}_${el.name}`, fn);
  };
  export_("packed", packedProduct(module, el, { ...parts, tile: packedTile(module, el) }));
  export_("direct", directProduct(module, el, { ...parts, tile: directTile(module, el) }));
  export_("byRows", vectorByRows(module, el));
  export_("byColumns", vectorByColumns(module, el));
}

export function runtimeBytes({ shared = false, fast = false }: RuntimeOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { min: 1, max: MAX_PAGES, shared });
  for (const el of [fast ? fusedF32 : exactF32, fast ? fusedF64 : exactF64, wrappingI32]) addProducts(module, el);
  addPools(module);
  module.export("depthwise_f32", depthwise(module, fast ? fusedF32 : exactF32));
  return module.encode();
}

const modules = new Map<string, WebAssembly.Module>();

/** The module, compiled once. */
export function runtimeModule({ shared = false, fast = false }: RuntimeOptions = {}): WebAssembly.Module {
  const key = `${shared} ${fast}`;
  let module = modules.get(key);
  if (module === undefined) modules.set(key, (module = new WebAssembly.Module(runtimeBytes({ shared, fast }))));
  return module;
}

let fused: boolean | null = null;

/**
 * True if this machine multiplies and adds with one rounding: (1 + e)(1 - e) - 1 is -e² then, and 0 if the product is rounded first. (The relaxed
 * instruction may do either, and engines without it refuse the module.)
 */
export function hasFused(): boolean {
  if (fused !== null) return fused;
  const module = new ModuleBuilder();
  const f = module.func([], ["i32"]);
  const e = 2 ** -20;
  f.f32x4(1 + e)
    .f32x4(1 - e)
    .f32x4(-1)
    .op("f32x4.relaxed_madd")
    .lane("f32x4.extract_lane", 0)
    .f32(-(e ** 2))
    .op("f32.eq");
  module.export("probe", f);
  const bytes = module.encode();
  fused =
    WebAssembly.validate(bytes) &&
    (new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.probe as () => number)() === 1;
  return fused;
}
