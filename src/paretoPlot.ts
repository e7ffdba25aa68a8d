/**
 * The curve of memory and time as a picture by Observable Plot (`npm install @observablehq/plot`), an optional peer dependency: with axes, a grid and tips, as
 * an element for a page or a notebook. `toSvg()` draws a plain one without any package; it stays, since the core has no dependencies and pictures are
 * wanted where nothing is installed.
 *
 * Plot makes elements of a document. In a browser it is there; elsewhere one is given, of linkedom or jsdom.
 */
import { formatBytes } from "./bytes.ts";
import { PlotError } from "./errors.ts";
import type { ParetoPoint, ParetoReference } from "./pareto.ts";

export interface PlotOptions {
  /** The document whose elements are made: the page's by default. In Node `parseHTML("<html></html>").document` of linkedom is one. */
  readonly document?: object;
  /** In pixels: 640 and 400 by default. */
  readonly width?: number;
  readonly height?: number;
}

/** An `<svg>` element: append it to a page, or write `outerHTML` to a file. */
export interface PlotElement {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
}

/** What is used of Plot. */
interface PlotLibrary {
  plot(options: object): PlotElement;
  line(data: readonly object[], options: object): object;
  dot(data: readonly object[], options: object): object;
  text(data: readonly object[], options: object): object;
}

/** Peaks to the right, extra time upwards; programs beside the curve with their names. */
export async function curvePlot(
  points: readonly ParetoPoint[],
  references: readonly ParetoReference[],
  { document, width = 640, height = 400 }: PlotOptions = {},
): Promise<PlotElement> {
  if (document === undefined && !("document" in globalThis)) {
    throw new PlotError(
      "a picture by Plot was asked for where there is no document. Give one, { document: parseHTML('<html></html>').document } of linkedom " +
        "(npm install linkedom), or take toSvg(), which needs none.",
    );
  }
  const library = (await import("@observablehq/plot").catch((cause: unknown): never => {
    throw new PlotError(
      "a picture by Plot was asked for: it needs the package @observablehq/plot. Install it: npm install @observablehq/plot. Or take toSvg(), which needs none.",
      { cause },
    );
  })) as unknown as PlotLibrary;
  const [blue, orange] = ["#3b6fb6", "#c4622d"];
  const place = ({ peak, overhead }: ParetoPoint): { x: number; y: number } => ({
    x: peak / 2 ** 20,
    y: 100 * overhead,
  });
  const tip = (p: ParetoPoint): string => `${formatBytes(p.peak)}, +${(100 * p.overhead).toFixed(2)} % time`;
  const curve = points.map((p) => ({ ...place(p), title: tip(p) }));
  const others = references.map((r) => ({ ...place(r), name: r.name, title: `${r.name}: ${tip(r)}` }));
  const labels = labelsOf(others, [...curve, ...others]);
  const at = { x: "x", y: "y" };
  const svg = library.plot({
    ...(document === undefined ? {} : { document }),
    ...{ width, height, marginLeft: 50, marginRight: 60, marginTop: 30 },
    ariaLabel: "Extra time against peak memory",
    x: { label: "peak memory (MiB)", grid: true, nice: true },
    y: { label: "extra time (%)", grid: true, nice: true },
    marks: [
      // Between two points the budget is that of the smaller program.
      library.line(curve, { ...at, stroke: blue, curve: "step-after" }),
      library.dot(curve, { ...at, fill: blue, title: "title" }),
      library.dot(others, { ...at, fill: orange, symbol: "diamond", title: "title" }),
      ...(["start", "end"] as const).map((textAnchor) =>
        library.text(
          labels.filter((l) => l.textAnchor === textAnchor),
          { ...at, text: "text", fill: orange, dy: -8, lineAnchor: "bottom", textAnchor },
        ),
      ),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return svg;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The names of points, those of points that lie close together one below the other; names on the right end at their points. */
function labelsOf(
  named: readonly (Place & { readonly name: string })[],
  all: readonly Place[],
): readonly (Place & { readonly text: string; readonly textAnchor: "start" | "end" })[] {
  const low = Math.min(...all.map((p) => p.x));
  const wide = Math.max(...all.map((p) => p.x)) - low;
  const high = Math.max(...all.map((p) => p.y)) - Math.min(...all.map((p) => p.y));
  const groups: [(typeof named)[number], ...typeof named][] = [];
  for (const p of named) {
    const near = groups.find(([q]) => Math.abs(p.x - q.x) <= wide / 12 && Math.abs(p.y - q.y) <= high / 12);
    if (near === undefined) groups.push([p]);
    else near.push(p);
  }
  return groups.map((group) => {
    const [{ x, y }] = group;
    const text = group.map((p) => p.name).join("\n");
    return { x, y, text, textAnchor: x - low > wide / 2 ? "end" : "start" };
  });
}
