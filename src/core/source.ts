/**
 * Where in the user's code an equation came from: `file:line:column (function)`, as residual listings print it.
 *
 * Capturing is cheap (an Error object whose stack is not formatted); the text is made only when somebody asks. While a pass replays the
 * equations of a jaxpr, `withSource` hands the equation's own place on, so that derivatives point at the line they are derivatives of.
 */

/** A place in the user's code. Columns are 0-based as in JAX; `name` is `<module>` outside of functions, `<lambda>` without a name. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly name: string;
}

/** Bundlers take `new URL("..", import.meta.url)` for an asset and put another URL in its place. */
const SELF: string = import.meta.url;
const LIBRARY = new URL("..", SELF).href;
const LIBRARY_PATH = LIBRARY.startsWith("file://") ? decodeURIComponent(LIBRARY.slice("file://".length)) : LIBRARY;
const DEPTH = 28;

/** A captured place. */
export class Source {
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

/** The place of what no line of the user's code asked for. */
export const NOWHERE: Source = new Source({});

/** The entry points of the library mark the stack: frames outside of the innermost mark belong to the caller of a transformation. */
let replayed: Source | null | undefined;

/** The place of the call being made now. */
export function captureSource(): Source | null {
  if (replayed !== undefined) return replayed;
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  // Not every browser has it; the frames of the library at the top are skipped in any case.
  if (Error.captureStackTrace === undefined) holder.stack = new Error().stack ?? "";
  else Error.captureStackTrace(holder, captureSource);
  Error.stackTraceLimit = limit;
  return new Source(holder);
}

/** Runs `fn` as if every call in it was made at `source`. `undefined` returns to looking at the stack. */
export function withSource<T>(source: Source | null | undefined, fn: () => T): T {
  const saved = replayed;
  replayed = source;
  try {
    return fn();
  } finally {
    replayed = saved;
  }
}

/** Sets the replayed place and returns the previous one: `withSource` for loops that cannot afford a closure. */
export function swapSource(source: Source | null | undefined): Source | null | undefined {
  const saved = replayed;
  replayed = source;
  return saved;
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

/** Frames of functions whose name ends so end the search for the user's place. */
export const TRACE_BOUNDARY = "traceBoundary";

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
