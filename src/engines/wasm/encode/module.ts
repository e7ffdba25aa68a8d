/**
 * A WebAssembly module, written by hand: types, imports, functions, a table. Encoding 5000 instructions takes a few milliseconds, where
 * a general toolkit takes hundreds. Imports come before functions, since both share one numbering.
 */
import { InternalError } from "../../../errors.ts";
import { FunctionBuilder } from "./function.ts";
import { valTypes, type Callable, type ValType } from "./valueTypes.ts";
import { pushBytes, pushName, pushUnsigned } from "./leb.ts";

export type { Callable, ValType } from "./valueTypes.ts";

export interface MemoryLimits {
  readonly min: number;
  readonly max?: number;
  readonly shared?: boolean;
}

interface Import {
  readonly module: string;
  readonly name: string;
  readonly bytes: readonly number[];
}

const lengthOf = (pieces: readonly (readonly number[])[]): number => pieces.reduce((n, p) => n + p.length, 0);

export class ModuleBuilder {
  readonly #types = new Map<string, number>();
  readonly #typeBytes: number[] = [];
  readonly #imports: Import[] = [];
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  #table: readonly Callable[] | null = null;
  #importedFunctions = 0;
  #importedGlobals = 0;

  /** The index of a function type. */
  type(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params.join()}>${results.join()}`;
    let index = this.#types.get(key);
    if (index === undefined) {
      index = this.#types.size;
      this.#types.set(key, index);
      this.#typeBytes.push(0x60);
      for (const list of [params, results]) {
        pushUnsigned(this.#typeBytes, list.length);
        for (const t of list) this.#typeBytes.push(valTypes[t]);
      }
    }
    return index;
  }

  importMemory(module: string, name: string, { min, max, shared = false }: MemoryLimits): void {
    const bytes = [0x02, (max === undefined ? 0 : 1) | (shared ? 2 : 0)];
    pushUnsigned(bytes, min);
    if (max !== undefined) pushUnsigned(bytes, max);
    this.#imports.push({ module, name, bytes });
  }

  importFunction(module: string, name: string, params: readonly ValType[], results: readonly ValType[]): Callable {
    if (this.#functions.length > 0) throw new InternalError(`the import ${name} comes after a function`);
    const bytes = [0x00];
    pushUnsigned(bytes, this.type(params, results));
    this.#imports.push({ module, name, bytes });
    return { index: this.#importedFunctions++ };
  }

  /** A constant that the instance is given; its index. */
  importGlobal(module: string, name: string, type: ValType): number {
    this.#imports.push({ module, name, bytes: [0x03, valTypes[type], 0x00] });
    return this.#importedGlobals++;
  }

  /** A new function, to be filled by its builder's methods. */
  func(params: readonly ValType[], results: readonly ValType[] = []): FunctionBuilder {
    const index = this.#importedFunctions + this.#functions.length;
    const fn = new FunctionBuilder(this, index, params, results);
    this.#functions.push(fn);
    return fn;
  }

  export(name: string, { index }: Callable): void {
    this.#exports.push({ name, index });
  }

  /** The functions that `call_indirect` reaches, by their places; exported as `table`. */
  setTable(functions: readonly Callable[]): void {
    this.#table = functions;
  }

  /** The module's bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    // Pieces are joined at the end, by copies of whole lists: a program's code is too much to be moved byte by byte.
    const pieces: (readonly number[])[] = [[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]];
    const section = (id: number, count: number, contents: readonly (readonly number[])[]): void => {
      if (count === 0) return;
      const counted: number[] = [];
      pushUnsigned(counted, count);
      const head = [id];
      pushUnsigned(head, counted.length + lengthOf(contents));
      pieces.push(head, counted);
      for (const piece of contents) pieces.push(piece);
    };
    // Bodies first: they may add types.
    const code = this.#functions.flatMap((fn) => fn.pieces());
    section(1, this.#types.size, [this.#typeBytes]);
    section(2, this.#imports.length, [this.#importBytes()]);
    const declared: number[] = [];
    for (const fn of this.#functions) pushUnsigned(declared, fn.typeIndex);
    section(3, this.#functions.length, [declared]);
    const table = this.#table;
    if (table !== null) {
      const limits: number[] = [0x70, 0x01];
      pushUnsigned(limits, table.length);
      pushUnsigned(limits, table.length);
      section(4, 1, [limits]);
    }
    const exported: number[] = [];
    for (const { name, index } of this.#exports) {
      pushName(exported, name);
      exported.push(0x00);
      pushUnsigned(exported, index);
    }
    if (table !== null) {
      pushName(exported, "table");
      exported.push(0x01, 0x00);
    }
    section(7, this.#exports.length + (table === null ? 0 : 1), [exported]);
    if (table !== null && table.length > 0) {
      const elements: number[] = [0x00, 0x41, 0x00, 0x0b];
      pushUnsigned(elements, table.length);
      for (const { index } of table) pushUnsigned(elements, index);
      section(9, 1, [elements]);
    }
    section(10, this.#functions.length, code);
    const bytes = new Uint8Array(lengthOf(pieces));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  #importBytes(): number[] {
    const bytes: number[] = [];
    for (const { module, name, bytes: description } of this.#imports) {
      pushName(bytes, module);
      pushName(bytes, name);
      pushBytes(bytes, description);
    }
    return bytes;
  }
}
