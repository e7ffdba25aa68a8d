/**
 * Two programs side by side: the forward and the backward computation in two columns, as JAX's notebook about `jax.checkpoint` prints them
 * (there by way of the Python library rich, whose layout this is). Where the columns do not fit, the wider one shrinks first, and lines
 * wrap at the ends of words. Colours are kept: a line that ends within a colour ends it, and the next one takes it up again.
 */
import type { ClosedJaxpr, Jaxpr } from "./core/jaxpr.ts";
import { printJaxprHtml } from "./core/print.ts";

export interface TableOptions {
  /** The width of the terminal; 240 by default. */
  readonly width?: number;
  /** Prints the titles in bold green. The colours of the programs are in their texts. */
  readonly color?: boolean;
}

const TITLES = ["forward computation:", "backward computation:"] as const;
/** Columns of space at either side of a cell. */
const PAD = 2;

/**
 * Two texts (with ANSI colours or without) under the titles "forward computation:" and "backward computation:".
 *
 * @example
 * const { fwd, bwd } = fwdBwd((x: NDArray) => np.sin(x), np.zeros([3]));
 * fwdBwdTable(String(fwd), String(bwd), { width: 100 });
 */
export function fwdBwdTable(fwd: string, bwd: string, options: TableOptions = {}): string {
  const { width = 240, color = false } = options;
  const columns = [fwd, bwd].map((text, i): Cell[] => {
    const title = color ? `\x1b[1;32m${TITLES[i]}\x1b[0m` : TITLES[i];
    return [readCell(title), readCell(text)];
  });
  const natural = columns.map(
    (cells) => 2 * PAD + cells.flat().reduce((widest, line) => Math.max(widest, line.length), 0),
  );
  const widths = shrink(
    natural.map((w) => Math.min(w, width)),
    width,
  );
  let out = "";
  for (const row of [0, 1]) {
    const cells = columns.map((cells, i) => wrapCell(cells[row], widths[i] - 2 * PAD));
    const height = Math.max(...cells.map((lines) => lines.length));
    // A row begins with an empty line: the padding above its cells.
    for (let y = -1; y < height; y++) {
      for (const [i, lines] of cells.entries()) {
        const line = lines[y] ?? [];
        const rest = widths[i] - PAD - line.length;
        out += rest < 0 ? " ".repeat(widths[i]) : `${" ".repeat(PAD)}${writeLine(line)}${" ".repeat(rest)}`;
      }
      out += "\n";
    }
  }
  return out;
}

/** A character and the ANSI state in which it is printed: what a terminal cell shows. */
interface Glyph {
  readonly char: string;
  readonly state: string;
}
type GlyphLine = readonly Glyph[];
type Cell = readonly GlyphLine[];

/** Shares `width` among columns that would like more: the widest gives first, then all alike. */
function shrink(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  for (;;) {
    const excess = widths.reduce((a, b) => a + b, 0) - width;
    if (excess <= 0) return widths;
    const widest = Math.max(...widths);
    const next = Math.max(0, ...widths.filter((w) => w < widest));
    let sharers = widths.filter((w) => w === widest).length;
    let left = excess;
    for (let i = 0; i < widths.length; i++) {
      if (widths[i] !== widest) continue;
      const share = Math.min(excess, widest - next, roundHalfEven(left / sharers));
      widths[i] = widest - share;
      left -= share;
      sharers--;
    }
    if (widest === 0) return widths;
  }
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

/** The lines of a text; escape codes become the state of the characters after them. */
function readCell(text: string): Cell {
  const lines: GlyphLine[] = [];
  let state = new Map<string, string>();
  for (const line of text.split("\n")) {
    const glyphs: Glyph[] = [];
    // eslint-disable-next-line no-control-regex -- escape codes begin with a control character
    for (const [token, codes] of line.matchAll(/\x1b\[([\d;]*)m|./gu)) {
      if (codes === undefined) glyphs.push({ char: token, state: [...state.values()].join(";") });
      else state = codes.split(";").reduce(applyCode, state);
    }
    lines.push(glyphs);
  }
  return lines;
}

/** The state of a terminal after one more code, as a map from what is set to the code that sets it. */
function applyCode(state: ReadonlyMap<string, string>, code: string): Map<string, string> {
  const n = Number(code);
  const next = new Map(state);
  if (n === 0) next.clear();
  else if (n === 22) next.delete("intensity");
  else if (n === 39) next.delete("foreground");
  else if (n === 1 || n === 2) next.set("intensity", code);
  else next.set("foreground", code);
  return next;
}

function writeLine(line: GlyphLine): string {
  let out = "";
  let state = "";
  for (const glyph of line) {
    // A blank looks the same in every colour.
    if (glyph.state !== state && glyph.char !== " ") {
      if (state !== "") out += "\x1b[0m";
      if (glyph.state !== "") out += `\x1b[${glyph.state}m`;
      state = glyph.state;
    }
    out += glyph.char;
  }
  return state === "" ? out : `${out}\x1b[0m`;
}

/** A cell without room is empty. */
const wrapCell = (cell: Cell, width: number): Cell => (width < 1 ? [] : cell.flatMap((line) => wrapLine(line, width)));

/**
 * Breaks a line before the first word that does not fit, and again in what follows. Words keep the blanks around them, so a line may
 * end in blanks, which are dropped where they stick out. A word that is longer than a line is cut off.
 */
function wrapLine(line: GlyphLine, width: number): Cell {
  const plain = line.map((glyph) => (glyph.char.length > 1 ? "?" : glyph.char)).join("");
  const starts = [0];
  let filled = 0;
  for (const match of plain.matchAll(/\s*\S+\s*/g)) {
    const word = match[0];
    if (width - filled >= word.trimEnd().length) {
      filled += word.length;
    } else {
      if (match.index > 0) starts.push(match.index);
      filled = word.length;
    }
  }
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? line.length;
    let piece = line.slice(start, end);
    while (piece.length > width && /\s/.test(piece.at(-1)!.char)) piece = piece.slice(0, -1);
    return piece.length <= width ? piece : [...piece.slice(0, width - 1), { ...piece[width - 1], char: "…" }];
  });
}

/**
 * The same for a notebook: two columns of HTML, each scrolling by itself when it is too wide, one below the other on narrow pages. Needs
 * no style sheet and suits light and dark pages.
 */
export function fwdBwdHtml(fwd: Jaxpr | ClosedJaxpr, bwd: Jaxpr | ClosedJaxpr): string {
  const cells = [fwd, bwd].map(
    (jaxpr, i) =>
      `<section style="flex:1 1 32em;min-width:0">` +
      `<strong style="color:#2a8a4a">${TITLES[i]}</strong>` +
      `<pre style="margin:.5em 0 0;overflow-x:auto;font:.85em/1.45 ui-monospace,Menlo,Consolas,monospace">` +
      `${printJaxprHtml(jaxpr)}</pre></section>`,
  );
  return `<div style="display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-start">${cells.join("")}</div>`;
}
