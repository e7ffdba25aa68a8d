/**
 * A layout engine for text that fits into a width, after Wadler ("A prettier printer", 2003) and Lindig ("Strictly pretty", 2000), in the
 * variant that JAX uses. A document says where lines *may* break; `layout` decides where they do: a group whose whole text fits on the
 * rest of the line is printed flat, any other breaks at all its own breaks, and what follows a group is not looked at.
 *
 * Every node knows its flat width from the moment it is made, so a group is decided in constant time and a layout takes time
 * proportional to the text, however deep and long the document is. Styles (colours) and annotations (notes at the end of the line)
 * are carried along; what becomes of them is decided when the lines are written out.
 */

export type Style = "plain" | "keyword" | "type";

/** `width` is the length when printed flat, in bytes of UTF-8. */
export type Doc =
  | { readonly kind: "text"; readonly width: number; readonly text: string; readonly note: string | null }
  | { readonly kind: "break"; readonly width: number; readonly text: string }
  | { readonly kind: "concat"; readonly width: number; readonly children: readonly Doc[] }
  | { readonly kind: "nest"; readonly width: number; readonly by: number; readonly child: Doc }
  | { readonly kind: "group"; readonly width: number; readonly child: Doc }
  | { readonly kind: "style"; readonly width: number; readonly style: Style; readonly child: Doc };

/** Text without line breaks, and perhaps a note that goes to the end of its line. */
export const text = (s: string, note: string | null = null): Doc => ({
  kind: "text",
  width: byteLength(s),
  text: s,
  note,
});

/** A line break, or `flat` where the group around it is printed flat. */
export const brk = (flat = " "): Doc => ({ kind: "break", width: byteLength(flat), text: flat });

/** One document after the other. */
export function concat(children: readonly Doc[]): Doc {
  let width = 0;
  for (const child of children) width += child.width;
  return { kind: "concat", width, children };
}

/** Indents the lines begun inside by `by` more columns. */
export const nest = (by: number, child: Doc): Doc => ({ kind: "nest", width: child.width, by, child });

/** Printed flat if it fits, else with all its own breaks as line breaks. */
export const group = (child: Doc): Doc => ({ kind: "group", width: child.width, child });

/** Gives the text inside a style. */
export const styled = (style: Style, child: Doc): Doc => ({ kind: "style", width: child.width, style, child });

export const nil: Doc = concat([]);

/** The documents with `separator` between them. */
export function join(separator: Doc, docs: readonly Doc[]): Doc {
  if (docs.length === 0) return nil;
  const out: Doc[] = [docs[0]];
  for (let i = 1; i < docs.length; i++) out.push(separator, docs[i]);
  return concat(out);
}

function byteLength(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    // A surrogate pair is two UTF-16 units and four bytes, anything else above ASCII one unit and two or three bytes.
    if (c > 0x7f) n += c > 0x7ff && (c < 0xd800 || c > 0xdfff) ? 2 : 1;
  }
  return n;
}

export interface Segment {
  readonly text: string;
  readonly style: Style;
}

export interface Line {
  readonly indent: number;
  readonly segments: readonly Segment[];
  /** Its length, indentation included. */
  readonly width: number;
  readonly notes: readonly string[];
}

/** Lays a document out in lines of (where possible) at most `width` columns. */
export function layout(doc: Doc, width: number): Line[] {
  const lines: Line[] = [];
  let segments: Segment[] = [];
  let notes: string[] = [];
  let pending = "";
  let pendingStyle: Style = "plain";
  let lineIndent = 0;
  let column = 0;

  const flush = (): void => {
    if (pending !== "") segments.push({ text: pending, style: pendingStyle });
    pending = "";
  };
  const write = (s: string, style: Style, length: number): void => {
    if (style !== pendingStyle) {
      flush();
      pendingStyle = style;
    }
    pending += s;
    column += length;
  };
  const endLine = (): void => {
    flush();
    lines.push({ indent: lineIndent, segments, width: column, notes });
    segments = [];
    notes = [];
  };

  interface Frame {
    readonly doc: Doc;
    readonly indent: number;
    readonly flat: boolean;
    readonly style: Style;
  }
  const stack: Frame[] = [{ doc, indent: 0, flat: false, style: "plain" }];
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    const { doc, indent, flat, style } = frame;
    switch (doc.kind) {
      case "text":
        write(doc.text, style, doc.width);
        if (doc.note !== null) notes.push(doc.note);
        break;
      case "break":
        if (flat) {
          write(doc.text, style, doc.width);
        } else {
          endLine();
          lineIndent = column = indent;
        }
        break;
      case "concat":
        for (let i = doc.children.length - 1; i >= 0; i--) stack.push({ doc: doc.children[i], indent, flat, style });
        break;
      case "nest":
        stack.push({ doc: doc.child, indent: indent + doc.by, flat, style });
        break;
      case "group":
        stack.push({ doc: doc.child, indent, flat: doc.width <= width - column, style });
        break;
      case "style":
        stack.push({ doc: doc.child, indent, flat, style: doc.style });
        break;
    }
  }
  endLine();
  return lines;
}

type Codes = readonly [foreground: string, intensity: string];
const ANSI: Readonly<Record<Style | "note", Codes>> = {
  plain: ["39", "22"],
  keyword: ["34", "1"],
  type: ["35", "22"],
  note: ["39", "2"],
};

/** The ANSI codes of the styles of jaxprs: keywords in bright blue, types in magenta. */
function ansiSwitch([foreground, intensity]: Codes, to: Codes): string {
  const codes: string[] = [];
  if (foreground !== to[0]) codes.push(to[0]);
  if (intensity !== to[1]) codes.push(to[1]);
  return codes.length === 0 ? "" : `\x1b[${codes.join(";")}m`;
}

/** The lines as text, in colour or not; notes line up behind the widest line. */
export function toText(lines: readonly Line[], color = false): string {
  const widest = lines.reduce((w, line) => Math.max(w, line.width), 0);
  let out = "";
  let state: Codes = ANSI.plain;
  const become = (to: Codes): void => {
    if (color) out += ansiSwitch(state, to);
    state = to;
  };
  lines.forEach((line, i) => {
    // A style ends where text of another one begins: after the line break and the indentation.
    if (i > 0) out += "\n";
    out += " ".repeat(line.indent);
    for (const { text, style } of line.segments) {
      become(ANSI[style]);
      out += text;
    }
    line.notes.forEach((note, n) => {
      if (n > 0) out += "\n";
      become(ANSI.note);
      out += `${" ".repeat(widest - (n === 0 ? line.width : 0))} # ${note}`;
      become(ANSI.plain);
    });
  });
  become(ANSI.plain);
  return out;
}

/** Colours that can be read on white as well as on black. */
const CSS: Readonly<Record<Style, string | null>> = { plain: null, keyword: "color:#2b77e0", type: "color:#bb4fb5" };

/** The lines as HTML, for a `<pre>`: inline styles only, so that it survives notebooks and mail. */
export function toHtml(lines: readonly Line[]): string {
  const widest = lines.reduce((w, line) => Math.max(w, line.width), 0);
  return lines
    .map((line) => {
      const body = line.segments.map(({ text, style }) => span(escapeHtml(text), CSS[style])).join("");
      const notes = line.notes.map((note, n) =>
        span(`${" ".repeat(widest - (n === 0 ? line.width : 0))} # ${escapeHtml(note)}`, "opacity:.6"),
      );
      return `${" ".repeat(line.indent)}${body}${notes.join("\n")}`;
    })
    .join("\n");
}

const span = (html: string, css: string | null): string =>
  css === null ? html : `<span style="${css}">${html}</span>`;

export const escapeHtml = (s: string): string =>
  s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
