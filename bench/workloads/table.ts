/**
 * The figures of the workloads as Markdown tables: a row a figure of this library, a column a library, and behind what another library takes, how many
 * times that is of what this one takes. Where a library has no answer the cell points to a note with the reason.
 */
import type { Figure, Missing } from "./figures.ts";

export type Line = Figure | Missing;

export interface Column {
  readonly peer: string;
  readonly title: string;
}

/** The metric of a `Missing` that stands for all of a workload's that were not printed: its process ended early. */
export const REST = "*";

const isFigure = (line: Line): line is Figure => "value" in line;

const isTime = (figure: Figure): boolean => figure.cpu !== undefined;

/** What happens once is what one waits for: it is told by the clock. */
const happensOnce = ({ metric }: Figure): boolean => metric.startsWith("first ");
/** What ratios are made of: milliseconds, or bytes. */
const amount = (figure: Figure): number => (happensOnce(figure) ? figure.value : (figure.cpu ?? figure.value));

const digits = (x: number): string =>
  x >= 1e5 ? x.toFixed(0) : x >= 100 ? Number(x.toPrecision(3)).toFixed(0) : x.toPrecision(3);

/** A time, a rate for products of matrices (W6: `NN 512`), or a size, with its unit. */
export function shown(figure: Figure): string {
  const x = amount(figure);
  if (!isTime(figure)) return x === 0 ? "0" : `${digits(x / 1e6)} MB`;
  if (figure.workload === "W6") {
    const n = Number(figure.metric.split(" ")[1]);
    return `${digits((2 * n ** 3) / (x * 1e6))} GFLOP/s`;
  }
  if (x >= 1e4) return `${digits(x / 1000)} s`;
  return x < 0.1 ? `${digits(x * 1000)} us` : `${digits(x)} ms`;
}

/** How many times `other` is of `own`: above 1, this library is faster or takes less. */
export function ratio(own: Figure, other: Figure): string {
  const times = amount(other) / amount(own);
  if (!Number.isFinite(times)) return "";
  return ` (${times >= 9.95 ? digits(Math.round(times)).replace(/\.\d*$/, "") : times.toPrecision(2)}x)`;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  const widths = head.map((_, i) => Math.max(3, ...rows.map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}

/** The tables of times and of memory, and the notes. The first column's library is the one that the others are compared with. */
export function markdown(lines: readonly Line[], columns: readonly Column[]): string {
  const [own, ...others] = columns;
  const notes: string[] = [];
  const note = (title: string, reason: string): string => {
    const text = `${title}: ${reason}`;
    if (!notes.includes(text)) notes.push(text);
    return `none (${String(notes.indexOf(text) + 1)})`;
  };
  const cell = (figure: Figure, { peer, title }: Column): string => {
    const of = lines.filter((line) => line.peer === peer && line.workload === figure.workload);
    const exact = of.filter((line) => line.metric === figure.metric);
    const found = exact.find(isFigure);
    if (found !== undefined) return `${shown(found)}${ratio(figure, found)}`;
    const missing = [...exact, ...of.filter((line) => line.metric === REST)].find((line) => !isFigure(line)) as
      Missing | undefined;
    return missing === undefined ? "" : note(title, missing.reason);
  };
  const figures = lines
    .filter(isFigure)
    .filter(({ peer, metric }) => peer === own.peer && !metric.startsWith("check "));
  const part = (title: string, kept: readonly Figure[]): string[] => {
    if (kept.length === 0) return [];
    const head = ["workload", "figure", ...columns.map((column) => column.title)];
    const body = kept.map((figure) => [
      figure.workload,
      figure.metric,
      shown(figure),
      ...others.map((column) => cell(figure, column)),
    ]);
    return [`## ${title}`, table([head, ...body])];
  };
  const parts = [
    ...part(
      "Time",
      figures.filter((figure) => isTime(figure)),
    ),
    ...part(
      "Memory",
      figures.filter((figure) => !isTime(figure)),
    ),
  ];
  if (notes.length > 0) parts.push(notes.map((text, i) => `${String(i + 1)}. ${text}`).join("\n"));
  return parts.join("\n\n");
}

const BEGIN = "<!-- figures -->";
const END = "<!-- /figures -->";

/** The page with what is between its marks replaced; a page without marks is replaced as a whole. */
export function withFigures(page: string, figures: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) return `${figures}\n`;
  return `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`;
}
