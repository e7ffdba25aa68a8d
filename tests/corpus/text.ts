/** Comparing the text of jaxprs, strictly and softly, in the steps of FORMAT.md §4.1. */

/** How much of a text agrees with the expected one. `shared` is `structure` where only one of them prints shared bodies in front. */
export type Agreement = "exact" | "layout" | "shared" | "structure" | "different";

/** Takes out places, addresses and the order of frozensets. */
export function normalise(text: string): string {
  return text
    .replace(/0x[0-9a-f]{6,}/g, "0xXXXXXXXXXXXX")
    .replace(/[^\s()]*<case>:\d+(?::\d+)?/g, "<loc>")
    .replace(
      /frozenset\(\{([^}]*)\}\)/g,
      (_, members: string) => `frozenset({${members.split(", ").sort().join(", ")}})`,
    );
}

export function compareTexts(got: string, expected: string): Agreement {
  if (got === expected) return "exact";
  const [a, b] = [layout(got), layout(expected)];
  if (a === b) return "layout";
  if (structure(a) !== structure(b)) return "different";
  return bodies(a) !== bodies(b) ? "shared" : "structure";
}

/** Every run of white space one blank, and none just inside brackets. */
const layout = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/([([{]) /g, "$1")
    .replace(/ ([)\]}])/g, "$1")
    .trim();

/** The number of shared bodies printed in front. */
function bodies(text: string): number {
  let n = 0;
  for (let rest = text; ; n++) {
    const shared = takeShared(rest);
    if (shared === null) return n;
    rest = shared.rest;
  }
}

function takeShared(text: string): { name: string; body: string; rest: string } | null {
  const match = /^let (\S+) = \{/.exec(text);
  if (match === null) return null;
  const start = match[0].length - 1;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) {
      return { name: match[1], body: text.slice(start, i + 1), rest: text.slice(i + 1).replace(/^ in /, "") };
    }
  }
  return null;
}

/** Shared bodies put back in their places, and the variables of each jaxpr renamed in order of appearance. */
function structure(text: string): string {
  const shared: { name: string; body: string }[] = [];
  let rest = text;
  for (let next = takeShared(rest); next !== null; next = takeShared(rest)) {
    shared.push(next);
    rest = next.rest;
  }
  // bodies hold each other in either order, but never in a circle
  for (let before = ""; before !== rest;) {
    before = rest;
    for (const { name, body } of shared) {
      const escaped = name.replace(/[^\w]/g, "\\$&");
      rest = rest
        .replace(new RegExp(`(\\w*jaxpr\\w*=)${escaped}(?![\\w.])`, "g"), (_, key: string) => key + body)
        .replace(
          new RegExp(`((?:branches=\\(|\\}|branches=\\([\\w ]+)(?:,? )?)\\b${escaped}(?=[, )])`, "g"),
          (_, open: string) => open + body,
        );
    }
  }
  return rename(rest);
}

const TOKEN = /\{ ?lambda|[{}]|[A-Za-z_][\w.]*|[^A-Za-z_{}]+/g;

function rename(text: string): string {
  const scopes: Map<string, string>[] = [new Map()];
  let previous = "";
  return text.replace(TOKEN, (token, at: number) => {
    const before = previous;
    previous = token;
    if (token.startsWith("{")) scopes.push(token === "{" ? scopes.at(-1)! : new Map<string, string>());
    else if (token === "}") scopes.pop();
    if (!/^[a-z]+$/.test(token) || before.endsWith("=")) return token;
    const next = text.slice(at + token.length);
    const names = scopes.at(-1) ?? new Map<string, string>();
    if (/^:(?:[a-z]+\d*|key<fry>)(?:<\w+>)?\[/.test(next) && token !== "inf" && token !== "nan") {
      if (!names.has(token)) names.set(token, `$${names.size}`);
      return names.get(token)!;
    }
    // `in` may be a variable as well as the keyword before the outputs
    if (/^[=[:]/.test(next) || (token === "in" && next.startsWith(" ("))) return token;
    return names.get(token) ?? token;
  });
}

// ---------------------------------------------------------------------------------------------------------------- messages

const DTYPE = "(?:float|int|uint|complex|bfloat)\\d+|bool|float0";
const SHORT: Readonly<Record<string, string>> = { float: "f", int: "i", uint: "u", complex: "c", bfloat: "bf" };

/** The facts in a message of JAX (shapes, dtypes, names, numbers) that are missing from ours. */
export function missingFacts(ours: string, theirs: string): string[] {
  const facts = new Set<string>();
  let text = theirs
    .replace(/https?:\/\/\S+/g, " ")
    .replace(/\bv\d+(?:\.\d+)+/g, " ")
    .replace(/<loc>/g, " ")
    .replace(/\bobject id <id>/g, " ");
  const take = (pattern: RegExp, fact: (...groups: string[]) => string): void => {
    text = text.replace(pattern, (...match) => {
      const groups = match.filter((g): g is string => typeof g === "string");
      facts.add(fact(...groups));
      return " ";
    });
  };
  take(new RegExp(`\\b(${DTYPE})\\[[\\d,]*\\]`, "g"), (type) => `type ${type}`);
  take(/\((?:-?\d+,|-?\d+(?:, -?\d+)+,?|)\)/g, (shape) => `shape ${shape}`);
  take(/\[-?\d+(?:, -?\d+)*\]/g, (shape) => `shape ${shape}`);
  take(new RegExp(`\\b(?:${DTYPE})\\b`, "g"), (dtype) => `dtype ${dtype}`);
  take(/PyTreeDef\(.*?\)(?=[ .,]|$)/g, (tree) => `name ${tree}`);
  take(/^([a-z_]\w*)(?= (?:got|does not accept|requires)\b)/g, (name) => `name ${name}`);
  take(
    /\b(?:function|argument|carry|true_fun is|false_fun is) '?(?!directly|indices|input|output|component)([A-Za-z_]\w*)'?(?= (?:at|has|of)\b|[.;',])/g,
    (_, name) => `name ${name}`,
  );
  take(/(?<!\w)'([^'\n]{1,40})'(?!\w)/g, (_, name) => `name ${name}`);
  take(/`([^`\n]{1,60})`/g, (_, name) => `name ${name.replace(/^(?:jax|jnp)\..*\/.*$|\(.*\)$/, "")}`);
  take(/(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])/g, (number) => `number ${number}`);
  take(/\b[a-z]+(?:_[a-z0-9]+)+\b/g, (name) => `name ${name}`);
  return [...facts].filter((fact) => !holds(ours, fact));
}

function holds(ours: string, fact: string): boolean {
  const at = fact.indexOf(" ");
  const kind = fact.slice(0, at);
  const value = fact.slice(at + 1);
  if (value === "") return true;
  if (ours.includes(value))
    return kind !== "number" || new RegExp(`(?<![\\w.])${value.replace(/[.+]/g, "\\$&")}(?!\\w)`).test(ours);
  switch (kind) {
    case "type":
      return ours.includes(value.replace(/^([a-z]+)(?=\d)/, (w) => SHORT[w] ?? w));
    case "shape":
      return ours.replaceAll(" ", "").includes(`[${value.slice(1, -1).replace(/,$/, "").replaceAll(" ", "")}]`);
    case "name": {
      // JAX's own words in our spelling
      const words = value
        .replace(/^(?:jax|jnp|lax|nn)\./, "")
        .replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
      return ours.includes(words) || /^(?:True|False|None|jax|x\.astype.*|jnp\.array.*|float|int)$/.test(value);
    }
    default:
      return false;
  }
}
