/** The two-column table, as JAX's notebook lays it out with the help of rich. */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { printJaxpr } from "../src/core/print.ts";
import { fwdBwdHtml, fwdBwdTable } from "../src/table.ts";
import { parseJaxpr } from "./parseJaxpr.ts";

interface Case {
  readonly name: string;
  readonly expect: { readonly fwd: string; readonly bwd: string; readonly table?: string };
}
const cases = readFileSync(new URL("corpus/notebook.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);
const tabled = cases.filter((c) => c.expect.table !== undefined);
const of = (name: string): Case["expect"] => cases.find((c) => c.name === name)!.expect;

const FWD = `{ lambda ; a:f32[3]. let
    b:f32[3] = sin a
    c:f32[3] = cos a
    d:f32[3] = mul b 2.0:f32[]
  in (d, c) }`;
const BWD = "{ lambda ; a:f32[3] b:f32[3]. let c:f32[3] = mul b a in (c,) }";

test.each(tabled)("$name at width 240", ({ expect: { fwd, bwd, table } }) => {
  expect(fwdBwdTable(fwd, bwd)).toBe(table);
});

describe("narrow terminals", () => {
  test("all that fits stays as it is", () => {
    expect(fwdBwdTable(FWD, BWD)).toMatchInlineSnapshot(`
      "                                                                                                    
        forward computation:              backward computation:                                           
                                                                                                          
        { lambda ; a:f32[3]. let          { lambda ; a:f32[3] b:f32[3]. let c:f32[3] = mul b a in (c,) }  
            b:f32[3] = sin a                                                                              
            c:f32[3] = cos a                                                                              
            d:f32[3] = mul b 2.0:f32[]                                                                    
          in (d, c) }                                                                                     
      "
    `);
    const width = fwdBwdTable(FWD, BWD).indexOf("\n");
    expect(fwdBwdTable(FWD, BWD, { width })).toBe(fwdBwdTable(FWD, BWD));
    expect(fwdBwdTable(FWD, BWD, { width: width - 1 })).not.toBe(fwdBwdTable(FWD, BWD));
  });

  test("lines wrap at the ends of words", () => {
    expect(fwdBwdTable(FWD, BWD, { width: 72 })).toMatchInlineSnapshot(`
      "                                                                        
        forward computation:              backward computation:               
                                                                              
        { lambda ; a:f32[3]. let          { lambda ; a:f32[3] b:f32[3]. let   
            b:f32[3] = sin a              c:f32[3] = mul b a in (c,) }        
            c:f32[3] = cos a                                                  
            d:f32[3] = mul b 2.0:f32[]                                        
          in (d, c) }                                                         
      "
    `);
    expect(fwdBwdTable(FWD, BWD, { width: 41 })).toMatchInlineSnapshot(`
      "                                         
        forward             backward           
        computation:        computation:       
                                               
        { lambda ;          { lambda ;         
        a:f32[3]. let       a:f32[3]           
            b:f32[3] =      b:f32[3]. let      
        sin a               c:f32[3] = mul b   
            c:f32[3] =      a in (c,) }        
        cos a                                  
            d:f32[3] =                         
        mul b 2.0:f32[]                        
          in (d, c) }                          
      "
    `);
  });

  test("words that are too long are cut off", () => {
    expect(fwdBwdTable("policy=DotsSaveable(only_if_no_batch_dims=True)", "b", { width: 40 })).toMatchInlineSnapshot(`
      "                                        
        forward             backward          
        computation:        computation:      
                                              
        policy=DotsSave…    b                 
      "
    `);
  });

  test.each(Array.from({ length: 60 }, (_, i) => i * 5 + 1))("no line is wider than %i", (width) => {
    const { fwd, bwd } = of("notebook/f3");
    for (const line of fwdBwdTable(fwd, bwd, { width }).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  });
});

describe("colours", () => {
  const [fwd, bwd] = [FWD, BWD].map((text) => printJaxpr(parseJaxpr(text), { color: true }));

  test("survive wrapping, and change no layout", () => {
    for (const width of [240, 98, 97, 72, 60, 41]) {
      const colored = fwdBwdTable(fwd, bwd, { width, color: true });
      expect(stripVTControlCharacters(colored)).toBe(fwdBwdTable(FWD, BWD, { width }));
    }
  });

  test("end at the end of a line and begin again on the next", () => {
    const lines = fwdBwdTable("\x1b[34;1mone two three\x1b[39;22m four", "", { width: 80 }).split("\n");
    expect(lines[3]).toContain("\x1b[34;1mone two three \x1b[0mfour");
    const narrow = fwdBwdTable("\x1b[35mone two\x1b[39m three", "x".repeat(9), { width: 80 });
    expect(narrow.split("\n").filter((line) => line.includes("\x1b[35m"))).toHaveLength(1);
    const cut = fwdBwdTable("\x1b[35mone two\x1b[39m three", "x".repeat(9), { width: 17 });
    expect(cut.split("\n").filter((line) => line.includes("\x1b[35m"))).toHaveLength(2);
  });

  test("titles are bold and green", () => {
    expect(fwdBwdTable(FWD, BWD, { color: true })).toContain("\x1b[1;32mforward computation:\x1b[0m");
  });
});

test("HTML for notebooks: two columns, inline styles only", () => {
  const html = fwdBwdHtml(parseJaxpr(FWD), parseJaxpr(BWD));
  expect(html.match(/<pre/g)).toHaveLength(2);
  expect(html).not.toMatch(/<(?:style|script|link|img)|class=|https?:/);
  expect(html.replace(/<[^>]*>/g, "")).toBe(
    `forward computation:${printJaxpr(parseJaxpr(FWD))}backward computation:${printJaxpr(parseJaxpr(BWD))}`,
  );
});
