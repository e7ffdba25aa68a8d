import { readFileSync } from "node:fs";
import vm from "node:vm";
import { api, makePy, remat } from "./runtime.ts";
import { identifier, transpile } from "./transpile.ts";
import { inputOf } from "./values.ts";
const [name, prim] = process.argv.slice(2);
const c = readFileSync(`tests/corpus/${name!.split("/")[0]}.jsonl`, "utf8").trim().split("\n").map((l) => JSON.parse(l)).find((c) => c.name === name);
const values = (specs: any) => Object.fromEntries(specs.map((s: any) => [identifier(s.name), inputOf(s, remat.float, remat.int)]));
const { main, args } = (new vm.Script(transpile(c), { filename: "<case>" }).runInThisContext() as any)(api, makePy(), values(c.consts ?? []), values(c.inputs));
const ids = new Map<unknown, number>();
const lab = (v: unknown) => { if (!ids.has(v)) ids.set(v, ids.size); return ids.get(v); };
function walk(j: any, path: string) {
  for (const e of j.eqns) {
    const p = path + "/" + e.primitive.name + (e.params.name ? ":" + e.params.name : "");
    if (e.params.name === prim && e.primitive.name === "jit") console.log("   ", p, "closed", lab(e.params.jaxpr), "jaxpr", lab(e.params.jaxpr.jaxpr), "invars", e.params.jaxpr.jaxpr.invars.map(lab), "eqns", e.params.jaxpr.jaxpr.eqns.length);
    for (const v of Object.values(e.params) as any[]) for (const x of Array.isArray(v) ? v : [v]) { const k = x?.jaxpr ?? x; if (k?.eqns) walk(k, p); }
  }
}
console.log("jaxpr"); walk((remat.makeJaxpr(main) as any)(...args).jaxpr, "");
const { fwd, bwd } = (remat.fwdBwd as any)(main, ...args);
console.log("fwd"); walk(fwd.jaxpr ?? fwd, "");
console.log("bwd"); walk(bwd.jaxpr ?? bwd, "");
