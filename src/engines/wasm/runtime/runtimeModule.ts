/**
 * The runtime module: one for the process, shared by all programs, so that V8 optimizes it once. It imports the memory on which it works as
 * `env.memory`, and exports one function a routine: (address of the argument block, first unit, end).
 */
import { InternalError } from "../../../errors.ts";
import { ModuleBuilder, type Callable } from "../encode/module.ts";
import { depthwise } from "./depthwise.ts";
import { directProduct } from "./directProduct.ts";
import {
  exactF32,
  exactF64,
  fusedF32,
  fusedF64,
  paired as pairedElement,
  tileColumns,
  wrappingI32,
  type Element,
} from "./element.ts";
import { directTile, packedTile, scatterTile } from "./microKernel.ts";
import { listOffsets, listSteps } from "./lines.ts";
import { packPanel, packRun } from "./pack.ts";
import { packedProduct, type Parts } from "./packedProduct.ts";
import { poolRoutine, pools } from "./poolingCode.ts";
import { smallProduct } from "./smallProduct.ts";
import { vectorByColumns, vectorByRows } from "./vectorProduct.ts";

export interface RuntimeOptions {
  /** The memory is shared between threads. */
  readonly shared?: boolean;
  /** Products are fused with the sums they are added to (relaxed SIMD): faster, other bits. Ask `hasFused` first. */
  readonly fast?: boolean;
  /** V8 joins pairs of vectors (see `pairedVectors.ts`): the large products have tiles for that. */
  readonly paired?: boolean;
  /** What the module exports; all routines if left out. To encode them all takes a while: a program that needs one asks for that one. */
  readonly routines?: readonly string[];
}

/** 4 GiB, the most that 32 bits address. */
const MAX_PAGES = 65_536;

type Build = (el: Element, shared: SharedParts) => Callable;

/** The routines of products; each is there for every kind of number. */
const products: Readonly<Record<string, Build>> = {
  packed: (el, { module, parts }) => packedProduct(module, el, { ...parts(el), tile: packedTile(module, el) }),
  direct: (el, { module, parts }) => directProduct(module, el, { ...parts(el), tile: directTile(module, el) }),
  small: (el, { module }) => smallProduct(module, el),
  byRows: (el, { module }) => vectorByRows(module, el),
  byColumns: (el, { module }) => vectorByColumns(module, el),
};

/** What several routines of one module call; made when the first of them asks for it. */
interface SharedParts {
  readonly module: ModuleBuilder;
  readonly parts: (el: Element) => Omit<Parts, "tile">;
}

function sharedParts(module: ModuleBuilder): SharedParts {
  const made = new Map<string, Callable>();
  const once = (key: string, make: () => Callable): Callable => {
    let fn = made.get(key);
    if (fn === undefined) made.set(key, (fn = make()));
    return fn;
  };
  const pack = (width: number, bytes: 4 | 8): Callable =>
    once(`pack ${width} ${bytes}`, () => packPanel(module, packRun(module, { width, bytes }), { width, bytes }));
  const parts = (el: Element): Omit<Parts, "tile"> => ({
    scatter: once(`scatter ${el.name} ${el.tileVectors}`, () => scatterTile(module, el)),
    packA: pack(el.tileRows, el.bytes),
    packB: pack(tileColumns(el), el.bytes),
    offsets: once("offsets", () => listOffsets(module)),
    steps: once("steps", () => listSteps(module)),
  });
  return { module, parts };
}

const elementOf = (name: string, fast: boolean): Element =>
  name === "f32" ? (fast ? fusedF32 : exactF32) : name === "f64" ? (fast ? fusedF64 : exactF64) : wrappingI32;

type Settings = Required<Pick<RuntimeOptions, "fast" | "paired">>;

const productElement = (routine: string, type: string, settings: Settings): Element => {
  const el = elementOf(type, settings.fast);
  return settings.paired && routine === "packed" ? pairedElement(el) : el;
};

const builders: ReadonlyMap<string, (settings: Settings, shared: SharedParts) => Callable> = new Map([
  ...Object.entries(products).flatMap(([name, build]) =>
    ["f32", "f64", "i32"].map(
      (type) =>
        [
          `${name}_${type}`,
          (settings: Settings, shared: SharedParts) => build(productElement(name, type, settings), shared),
        ] as const,
    ),
  ),
  [
    "depthwise_f32",
    ({ fast }: Settings, { module }: SharedParts) => depthwise(module, elementOf("f32", fast)),
  ] as const,
  ...Object.entries(pools).map(
    ([name, what]) => [name, (_settings: Settings, { module }: SharedParts) => poolRoutine(module, what)] as const,
  ),
]);

/** All there are. */
export const runtimeRoutines: readonly string[] = [...builders.keys()];

export function runtimeBytes({
  shared = false,
  fast = false,
  paired = false,
  routines = runtimeRoutines,
}: RuntimeOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { min: 1, max: MAX_PAGES, shared });
  const common = sharedParts(module);
  for (const name of routines) {
    const build = builders.get(name);
    if (build === undefined) throw new InternalError(`the runtime has no routine ${name}`);
    module.export(name, build({ fast, paired }, common));
  }
  return module.encode();
}

const modules = new Map<string, WebAssembly.Module>();

/** The module, compiled once for the same options. */
export function runtimeModule(options: RuntimeOptions = {}): WebAssembly.Module {
  const { shared = false, fast = false, paired = false, routines = ["all"] } = options;
  const key = [shared, fast, paired, ...routines].join();
  let module = modules.get(key);
  if (module === undefined) modules.set(key, (module = new WebAssembly.Module(runtimeBytes(options))));
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
