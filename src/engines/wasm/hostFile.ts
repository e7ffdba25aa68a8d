/**
 * A file for what a run takes out of memory altogether. It has a name of its own in the directory that the user gave, holds all slots one after
 * another, and is removed when the run ends. Where a system lets an open file be removed, its name is gone at once, so nothing is left behind even
 * by a process that is killed; elsewhere what is left is removed when the process exits.
 */
import { OffloadError } from "../../errors.ts";

/** What is used of Node's `fs`. */
interface FileSystem {
  mkdirSync(path: string, options: { readonly recursive: boolean }): unknown;
  openSync(path: string, flags: string, mode: number): number;
  closeSync(fd: number): void;
  unlinkSync(path: string): void;
  writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number): number;
  readSync(fd: number, to: Uint8Array, offset: number, length: number, position: number): number;
}

interface NodeProcess {
  readonly pid: number;
  readonly platform: string;
  readonly getBuiltinModule?: (name: string) => unknown;
  on(event: "exit", listener: () => void): unknown;
}

export interface HostFile {
  write(at: number, from: Uint8Array): void;
  read(at: number, to: Uint8Array): void;
  /** Closes and removes it. */
  end(): void;
}

/** Files that have names still. */
const named = new Set<string>();
let watching = false;
let made = 0;

/**
 * Makes a file in a directory, which is made, too, if it isn't there.
 *
 * @throws OffloadError where there are no files (in browsers), or this directory can't be written to.
 */
export function makeFile(directory: string): HostFile {
  const { process } = globalThis as { readonly process?: NodeProcess };
  const fs = process?.getBuiltinModule?.("node:fs") as FileSystem | undefined;
  if (process === undefined || fs === undefined) {
    throw new OffloadError(
      `a jitted function was to offload to the directory ${directory}, and there are no files here: browsers have none for programs.\n` +
        "Leave out `offload`; what a policy offloads is then in ordinary memory.",
      directory,
    );
  }
  const unique = `${String(process.pid)}-${Math.random().toString(36).slice(2, 10)}-${String(made++)}`;
  const path = `${directory.replace(/[/\\]+$/, "")}/remat-${unique}.offload`;
  const failure = (what: string, code: string, cause?: unknown): OffloadError => {
    const advice = code === "ENOSPC" || code === "EDQUOT" ? "Free disk space, or name" : "Name";
    return new OffloadError(
      `a jitted function was to offload to the directory ${directory}; ${what} failed there with ${code}.\n` +
        `${advice} another directory: jit(f, { offload: { disk: "/path" } }).`,
      directory,
      { cause },
    );
  };
  const attempt = <T>(what: string, action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      const code = String((cause as { readonly code?: string }).code ?? cause);
      throw failure(what, code, cause);
    }
  };
  const fd = attempt("making a file", () => {
    fs.mkdirSync(directory, { recursive: true });
    return fs.openSync(path, "wx+", 0o600);
  });
  const remove = (): void => {
    try {
      fs.unlinkSync(path);
      named.delete(path);
    } catch {
      // It is tried again at the end of the run, and when the process exits.
    }
  };
  named.add(path);
  remove();
  if (named.has(path) && !watching) {
    watching = true;
    process.on("exit", () => {
      for (const p of named) fs.unlinkSync(p);
    });
  }
  /** All of the bytes, though the system may do a part at a time. */
  const all = (what: string, bytes: Uint8Array, some: (done: number) => number): void => {
    for (let done = 0; done < bytes.length;) {
      const n = attempt(what, () => some(done));
      if (n === 0) throw failure(what, "the end of the file");
      done += n;
    }
  };
  return {
    write(at, from) {
      all("writing", from, (done) => fs.writeSync(fd, from, done, from.length - done, at + done));
    },
    read(at, to) {
      all("reading", to, (done) => fs.readSync(fd, to, done, to.length - done, at + done));
    },
    end() {
      fs.closeSync(fd);
      if (named.has(path)) remove();
    },
  };
}
