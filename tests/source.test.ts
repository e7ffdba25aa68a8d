/** Places in the user's code, read from stacks of several hosts. */
import { expect, test } from "vitest";
import { StackSource as Source } from "../src/core/stack.ts";

const library = new URL("../src/core/interpreter.ts", import.meta.url);

test.each([
  ["a function", "    at g (/home/me/net.ts:5:13)", "/home/me/net.ts:5:12 (g)"],
  ["a file URL", "    at g (file:///home/me/my%20net.ts:5:13)", "/home/me/my net.ts:5:12 (g)"],
  ["a lambda", "    at /home/me/net.ts:5:13", "/home/me/net.ts:5:12 (<lambda>)"],
  ["a module", "    at Object.<anonymous> (/home/me/net.ts:5:1)", "/home/me/net.ts:5 (<module>)"],
  ["a development server", "    at g (http://localhost:1234/path/file.ts?x:12:5)", "/path/file.ts:12:4 (g)"],
  ["a lambda from a server", "    at https://example.org:8080/a/b.js?import&t=17:12:5", "/a/b.js:12:4 (<lambda>)"],
  [
    "a file outside of a server's root",
    "    at g (http://localhost:1234/@fs/home/me/net.ts:5:13)",
    "/home/me/net.ts:5:12 (g)",
  ],
  ["Firefox and Safari", "g@http://localhost:1234/net.ts:5:13", "/net.ts:5:12 (g)"],
  ["a lambda there", "@http://localhost:1234/net.ts:5:13", "/net.ts:5:12 (<lambda>)"],
  ["nothing", "    at new Promise (<anonymous>)", ""],
])("%s", (_, line, place) => {
  const inside = `    at bind (${library.pathname}:1:1)\n    at bind1 (${library.href}:2:2)`;
  expect(String(new Source({ stack: `Error\n${inside}\n${line}\n    at outer (/home/me/outer.ts:1:2)` }))).toBe(
    place === "" ? "/home/me/outer.ts:1:1 (outer)" : place,
  );
});
