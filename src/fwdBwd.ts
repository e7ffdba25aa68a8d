/**
 * The forward and the backward program side by side: what the first computes and keeps, and what the second does with it. Coloured in a
 * terminal, as HTML in a notebook.
 */
import type { Jaxpr } from "./core/jaxpr.ts";
import { printJaxpr } from "./core/print.ts";
import { stage } from "./core/stage.ts";
import { flatFunction, flattenArgs } from "./api/flat.ts";
import { vjpProgram } from "./api/vjpProgram.ts";
import { traceVjp } from "./residuals.ts";
import { fwdBwdHtml, fwdBwdTable } from "./table.ts";

/** The two programs of a function's reverse-mode derivative. */
export class FwdBwd {
  /** Arguments to outputs, then residuals. */
  readonly fwd: Jaxpr;
  /** Residuals and cotangents to the cotangents of the arguments. */
  readonly bwd: Jaxpr;

  constructor(fwd: Jaxpr, bwd: Jaxpr) {
    this.fwd = fwd;
    this.bwd = bwd;
  }

  /** The two-column table as text. */
  table(options: { readonly width?: number; readonly color?: boolean } = {}): string {
    const color = options.color ?? false;
    return fwdBwdTable(printJaxpr(this.fwd, { color }), printJaxpr(this.bwd, { color }), options);
  }

  toString(): string {
    return this.table();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.table(terminal());
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.table(), "text/html": fwdBwdHtml(this.fwd, this.bwd) };
  }
}

/** The width and colours of the terminal; 240 columns without colours where there is none. */
function terminal(): { width: number; color: boolean } {
  const host = globalThis as {
    process?: { stdout?: { isTTY?: boolean; columns?: number }; env?: Readonly<Record<string, string | undefined>> };
  };
  const stdout = host.process?.stdout;
  const tty = stdout?.isTTY === true;
  const noColor = host.process?.env?.NO_COLOR;
  return { width: tty ? (stdout?.columns ?? 80) : 240, color: tty && (noColor === undefined || noColor === "") };
}

/**
 * The forward and backward programs of `f` at these arguments, as data. The forward program is traced; the backward one is that of a real run,
 * so that host scalars among the arguments are literals in it.
 */
export function fwdBwd<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): FwdBwd {
  const fwd = traceVjp(f, args).jaxpr;
  const flat = flattenArgs(f, args, "asFloats");
  const g = flatFunction(f, flat.treedef, "vjp");
  const program = vjpProgram(g.call, flat.leaves, null);
  const numResiduals = program.residuals.length;
  const avals = [...program.residuals.map((r) => r.aval), ...program.outAvals];
  const { closed } = stage(avals, (xs) => ({
    outs: program.pullback(xs.slice(0, numResiduals), xs.slice(numResiduals)),
    extra: null,
  }));
  return new FwdBwd(fwd, closed.jaxpr);
}

/** Prints the two programs side by side. In a Jupyter notebook, let `fwdBwd(f, ...args)` be the cell's value for a coloured table. */
export function printFwdBwd<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): void {
  console.log(fwdBwd(f, ...args).table(terminal()));
}
