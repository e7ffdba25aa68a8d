/**
 * The part of the WebAssembly JavaScript API that the library uses: TypeScript declares it only together with the DOM,
 * whose globals (`name`, `status`, `length`) would hide misspelled variables.
 */
declare namespace WebAssembly {
  type ImportValue = Memory | Table | Global | number | bigint | ((...args: never[]) => unknown);
  type ExportValue = Memory | Table | Global | ((...args: (number | bigint)[]) => unknown);

  class Module {
    constructor(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>);
    static exports(module: Module): { readonly name: string; readonly kind: string }[];
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
  }

  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, Readonly<Record<string, ImportValue>>>>);
    readonly exports: Readonly<Record<string, ExportValue>>;
  }

  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(descriptor: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
    readonly buffer: ArrayBuffer;
    /** Returns the size before, in pages. */
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: {
      readonly element: "anyfunc" | "externref";
      readonly initial: number;
      readonly maximum?: number;
    });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(by: number, value?: unknown): number;
  }

  class Global {
    constructor(
      descriptor: { readonly value: "i32" | "i64" | "f32" | "f64" | "externref"; readonly mutable?: boolean },
      value?: unknown,
    );
    value: unknown;
  }

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): boolean;
  function compile(bytes: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Promise<Module>;
  function instantiate(
    module: Module,
    imports?: Readonly<Record<string, Readonly<Record<string, ImportValue>>>>,
  ): Promise<Instance>;
}
