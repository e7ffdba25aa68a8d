/**
 * Key paths: where in a tree a leaf stands, printed as JAX does (`params['w'][0].bias`), for messages and residual listings.
 */

/** One step from a container to a child. */
export type KeyEntry =
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "key"; readonly key: unknown }
  | { readonly kind: "attribute"; readonly name: string };

/** The steps from the root of a tree to a subtree. */
export type KeyPath = readonly KeyEntry[];

/** A string as Python writes it: single quotes, unless it holds some and no double ones. */
const quoted = (s: string): string => {
  const quote = s.includes("'") && !s.includes('"') ? '"' : "'";
  const inner = JSON.stringify(s).slice(1, -1).replaceAll('\\"', '"');
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote;
};

/** A key as Python writes it. */
export const keyText = (key: unknown): string => (typeof key === "string" ? quoted(key) : String(key));

/** A key path as JAX prints it: `['w']`, `[0]`, `.bias`, one after the other. */
export function keystr(path: KeyPath): string {
  return path
    .map((step) =>
      step.kind === "index" ? `[${step.index}]` : step.kind === "key" ? `[${keyText(step.key)}]` : `.${step.name}`,
    )
    .join("");
}
