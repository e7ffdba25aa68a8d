/**
 * Reads networkx's node-link JSON of a training graph: `nodes` with `name`, `backward`, `cost_cpu` (time) and `cost_ram` (bytes of the output),
 * `links` with `source` and `target`, which name nodes by `id` (by position, where nodes have none). Files are not trusted: whatever is wrong
 * with one is said with its place.
 */
import { PlanGraphError } from "../errors.ts";
import type { PlanEdge, PlanGraph, PlanNode } from "./graph.ts";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (x: unknown): x is Fields => typeof x === "object" && x !== null && !Array.isArray(x);

const wrong = (place: string, came: string, advice: string): PlanGraphError =>
  new PlanGraphError(`a training graph in node-link JSON was to be read: ${place} ${came}; ${advice}.`);

function amount(fields: Fields, key: string, place: string): number {
  const x = fields[key];
  if (typeof x === "number" && Number.isFinite(x) && x >= 0) return x;
  throw wrong(`${place}.${key}`, `is ${JSON.stringify(x) ?? "missing"}`, "it must be a number, 0 or more");
}

/** The graph of a node-link document, given as text or parsed. */
export function readNodeLink(source: unknown): PlanGraph {
  const root = typeof source === "string" ? parse(source) : source;
  if (!isFields(root) || !Array.isArray(root.nodes)) {
    throw wrong("the document", "has no array `nodes`", "it is an object with `nodes` and `links`");
  }
  const links: unknown = root.links ?? root.edges;
  if (!Array.isArray(links)) {
    throw wrong("the document", "has no array `links`", "it is an object with `nodes` and `links`");
  }
  const position = new Map<unknown, number>();
  const nodes = root.nodes.map((node: unknown, k): PlanNode => {
    const place = `nodes[${k}]`;
    if (!isFields(node)) throw wrong(place, "is no object", "a node has name, backward, cost_cpu and cost_ram");
    const id = node.id ?? k;
    if (position.has(id)) throw wrong(`${place}.id`, `is ${JSON.stringify(id)} again`, "ids are unique");
    position.set(id, k);
    return {
      name: typeof node.name === "string" ? node.name : `node ${k}`,
      backward: node.backward === true,
      cost: amount(node, "cost_cpu", place),
      bytes: amount(node, "cost_ram", place),
      ...(node.effect === true ? { effect: true } : {}),
      ...(node.output === true ? { output: true } : {}),
    };
  });
  const edges = links.map((link: unknown, k): PlanEdge => {
    const place = `links[${k}]`;
    if (!isFields(link)) throw wrong(place, "is no object", "a link has source and target");
    const end = (key: string): number => {
      const at = position.get(link[key]);
      if (at !== undefined) return at;
      throw wrong(`${place}.${key}`, `is ${JSON.stringify(link[key]) ?? "missing"}`, "it must be the id of a node");
    };
    return [end("source"), end("target")];
  });
  return { nodes, edges };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong(
      "the text",
      `is no JSON (${(error as Error).message})`,
      "give the file that networkx's node_link_data wrote",
    );
  }
}
