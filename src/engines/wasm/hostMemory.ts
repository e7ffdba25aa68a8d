/**
 * Where values are that programs have taken out of the arena: ordinary ArrayBuffers, one for each slot of a program. They are made when a program
 * first runs and used again by its next run; when another program runs that offloads, they are let go, as the arena is handed over, too.
 */
import { dtypes, type TypedArray } from "../../core/dtype.ts";
import type { Buffer } from "../../compile/program.ts";
import { makeFile, type HostFile } from "./hostFile.ts";
import type { HostSlot } from "../../compile/hostSlots.ts";

/** What the last run of a program took of host memory and copied, in bytes. */
export interface HostUse {
  /** Out of the arena; `disk` of them in a file. */
  readonly size: number;
  readonly disk: number;
  readonly offloaded: number;
  readonly restored: number;
  /** How many ArrayBuffers were made since the process began. */
  readonly allocations: number;
}

/** One slot: takes bytes, and gives them back. */
interface Store {
  write(at: number, from: Uint8Array): void;
  read(at: number, to: Uint8Array): void;
}

export class HostMemory {
  #owner: object | null = null;
  #kept: (Uint8Array | null)[] = [];
  #results: (Uint8Array | null)[] = [];
  #slots: Store[] = [];
  #file: HostFile | null = null;
  #size = 0;
  #disk = 0;
  #offloaded = 0;
  #restored = 0;
  #allocations = 0;

  get use(): HostUse {
    return {
      size: this.#size,
      disk: this.#disk,
      offloaded: this.#offloaded,
      restored: this.#restored,
      allocations: this.#allocations,
    };
  }

  /** The slots of a program for one run; arguments that lie in host memory are read where they are. */
  begin(owner: object, slots: readonly HostSlot[], args: readonly TypedArray[], disk?: string): void {
    this.forget();
    if (slots.length === 0) return;
    if (this.#owner !== owner) {
      this.#kept = slots.map(() => null);
      this.#owner = owner;
    }
    let next = 0;
    this.#results = slots.map(() => null);
    this.#slots = slots.map(({ kind, bytes }, i) => {
      if (kind === "argument") return memoryStore(bytesOf(args[next++]));
      this.#size += bytes;
      if (kind === "output") return memoryStore((this.#results[i] = this.#allocate(bytes)));
      if (disk === undefined) return memoryStore((this.#kept[i] ??= this.#allocate(bytes)));
      this.#kept[i] = null;
      this.#disk += bytes;
      return fileStore((this.#file ??= makeFile(disk)), this.#disk - bytes);
    });
  }

  #allocate(bytes: number): Uint8Array {
    this.#allocations++;
    return new Uint8Array(bytes);
  }

  offload(slot: number, at: number, from: Uint8Array): void {
    this.#offloaded += from.length;
    this.#slots[slot].write(at, from);
  }

  restore(slot: number, at: number, to: Uint8Array): void {
    this.#restored += to.length;
    this.#slots[slot].read(at, to);
  }

  /** The elements in a result's slot: the caller's from now on. */
  take({ offset, dtype }: Buffer): TypedArray {
    return new dtypes[dtype].storage((this.#results[offset] as Uint8Array<ArrayBuffer>).buffer);
  }

  /** A run that has nothing here begins. */
  forget(): void {
    this.#size = 0;
    this.#disk = 0;
    this.#offloaded = 0;
    this.#restored = 0;
  }

  /** Arguments and results aren't held beyond the run. */
  end(): void {
    this.#file?.end();
    this.#file = null;
    this.#slots = [];
    this.#results = [];
  }
}

const memoryStore = (bytes: Uint8Array): Store => ({
  write(at, from) {
    bytes.set(from, at);
  },
  read(at, to) {
    to.set(bytes.subarray(at, at + to.length));
  },
});

const fileStore = (file: HostFile, base: number): Store => ({
  write(at, from) {
    file.write(base + at, from);
  },
  read(at, to) {
    file.read(base + at, to);
  },
});

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
