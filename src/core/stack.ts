/**
 * The user's place in a stack: the innermost frame outside of this library, in the notation of several hosts.
 *
 * Capturing is cheap (an Error object whose stack is not formatted); the text is made only when somebody asks.
 */
import { captureSource, TRACE_BOUNDARY, type Frame, type Source } from "./source.ts";

/** Bundlers take `new URL("..", import.meta.url)` for an asset and put another URL in its place. */
const SELF: string = import.meta.url;
const LIBRARY = new URL("..", SELF).href;
const LIBRARY_PATH = LIBRARY.startsWith("file://") ? decodeURIComponent(LIBRARY.slice("file://".length)) : LIBRARY;
const DEPTH = 28;

/** A captured place. */
export class StackSource implements Source {
  readonly #holder: { stack?: string };
  #frame: Frame | null | undefined;

  constructor(holder: { stack?: string }) {
    this.#holder = holder;
  }

  /** The innermost frame outside of this library, or null if there is none. */
  get frame(): Frame | null {
    return (this.#frame ??= userFrame(this.#holder.stack ?? ""));
  }

  /** `file:line:column (name)`, or an empty string where nothing is known. A column of 0 is left out. */
  toString(): string {
    const f = this.frame;
    if (f === null) return "";
    return `${f.file}:${f.line}${f.column > 0 ? `:${f.column}` : ""} (${f.name})`;
  }
}

/** The place of the call being made now. */
export function captureStack(): StackSource {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  // Not every browser has it; the frames of the library at the top are skipped in any case.
  if (Error.captureStackTrace === undefined) holder.stack = new Error().stack ?? "";
  else Error.captureStackTrace(holder, captureSource);
  Error.stackTraceLimit = limit;
  return new StackSource(holder);
}

/** `at name (place)` in Chromium, Node, Deno and Bun; `name@place` in Firefox and Safari. */
const FRAME = /^(?:\s*at (?:(?:async )?(.*?) \()?|(.*?)@)(.+?):(\d+):(\d+)\)?$/;

function userFrame(stack: string): Frame | null {
  for (const text of stack.split("\n")) {
    const match = FRAME.exec(text);
    if (match === null) continue;
    const [, v8Name, otherName, location, line, column] = match;
    const name = v8Name ?? otherName;
    if (location === undefined || isLibrary(location)) {
      // The innermost transformation traces the user's function from here on: what lies outside is not the traced function.
      if (name !== undefined && name.endsWith(TRACE_BOUNDARY)) return null;
      continue;
    }
    return { file: fileOf(location), line: Number(line), column: Number(column) - 1, name: functionName(name) };
  }
  return null;
}

function isLibrary(location: string): boolean {
  return location.startsWith(LIBRARY) || location.startsWith(LIBRARY_PATH) || location.startsWith("node:");
}

/** The path of a file, or of what a server gave: without its origin, and without the query that development servers add. */
function fileOf(location: string): string {
  if (location.startsWith("file://")) return decodeURIComponent(location.slice("file://".length));
  if (!/^https?:\/\//.test(location)) return location;
  // Vite serves files outside of its root under this prefix.
  return decodeURIComponent(new URL(location).pathname).replace(/^\/@fs(?=\/)/, "");
}

function functionName(name: string | undefined): string {
  if (name === undefined || name === "" || name === "<anonymous>") return "<lambda>";
  if (name === "Object.<anonymous>" || name === "Module.<anonymous>") return "<module>";
  // V8 makes up a name such as `checkpoint.policy` for a function without one; those of methods begin with a class.
  if (/^[a-z_$][\w$]*\./.test(name)) return "<lambda>";
  return name
    .replace(/^new /, "")
    .replace(/ \[as .*\]$/, "")
    .replace(/^(Object|Module)\./, "");
}
