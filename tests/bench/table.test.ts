import { expect, test } from "vitest";
import { markdown, ratio, REST, shown, withFigures, type Line } from "../../bench/workloads/table.ts";

const time = (peer: string, workload: string, metric: string, cpu: number): Line & { value: number } => ({
  peer,
  workload,
  metric,
  value: 2 * cpu,
  cpu,
});

test.each([
  ["W1", "steady", 0.00273, "2.73 us"],
  ["W1", "steady", 0.5, "0.500 ms"],
  ["W3", "step", 282.4, "282 ms"],
  // by the clock, which is twice the CPU time here
  ["W4", "first call", 18_500, "37.0 s"],
  ["W6", "NN 512", 6, "44.7 GFLOP/s"],
] as const)("a time is shown in the unit that fits: %s %s of %d ms", (workload, metric, cpu, text) => {
  expect(shown(time("remat", workload, metric, cpu))).toBe(text);
});

test("sizes are shown in megabytes, and nothing as 0", () => {
  const size = { peer: "remat", workload: "W3", metric: "temporaries", value: 41_100_000 };
  expect(shown(size)).toBe("41.1 MB");
  expect(shown({ ...size, value: 0 })).toBe("0");
});

test.each([
  [2, 1, "(0.50x)"],
  [2, 2.4, "(1.2x)"],
  [2, 19.9, "(10x)"],
  [2, 2940, "(1470x)"],
])("what takes %d beside %d is %s", (own, other, text) => {
  expect(ratio(time("remat", "W2", "step", own), time("jax", "W2", "step", other)).trim()).toBe(text);
});

test("nothing is compared with nothing", () => {
  const none = { peer: "remat", workload: "W5", metric: "temporaries", value: 0 };
  expect(ratio(none, { ...none, peer: "jax" })).toBe("");
  expect(ratio(none, { ...none, peer: "jax", value: 5 })).toBe("");
});

const columns = [
  { peer: "remat", title: "remat" },
  { peer: "a", title: "A 1.0" },
  { peer: "b", title: "B 2.0" },
];

test("a row a figure, a column a library, and reasons under the tables", () => {
  const lines: Line[] = [
    time("remat", "W3", "step", 300),
    { peer: "remat", workload: "W3", metric: "check W3 loss", value: 6.33746 },
    time("remat", "W3", "step, checkpoint", 400),
    time("a", "W3", "step", 600),
    { peer: "a", workload: "W3", metric: "step, checkpoint", reason: "it has no checkpoint" },
    time("b", "W3", "step", 150),
    { peer: "b", workload: "W3", metric: REST, reason: "was cut off after 180 s" },
    time("remat", "W8", "steady 50", 1),
    { peer: "a", workload: "W8", metric: "steady 50", reason: "it has no checkpoint" },
    time("b", "W8", "another figure", 1),
    { peer: "remat", workload: "W3", metric: "beyond inputs", value: 54e6 },
    { peer: "a", workload: "W3", metric: "beyond inputs", value: 270e6 },
  ];
  expect(markdown(lines, columns)).toBe(
    `
## Time

| workload | figure           |   remat |         A 1.0 |          B 2.0 |
| -------- | ---------------- | ------: | ------------: | -------------: |
| W3       | step             |  300 ms | 600 ms (2.0x) | 150 ms (0.50x) |
| W3       | step, checkpoint |  400 ms |      none (1) |       none (2) |
| W8       | steady 50        | 1.00 ms |      none (1) |                |

## Memory

| workload | figure        |   remat |         A 1.0 |    B 2.0 |
| -------- | ------------- | ------: | ------------: | -------: |
| W3       | beyond inputs | 54.0 MB | 270 MB (5.0x) | none (2) |

1. A 1.0: it has no checkpoint
2. B 2.0: was cut off after 180 s
`.trim(),
  );
});

test("no figures, no tables", () => {
  expect(markdown([time("a", "W1", "steady", 1)], columns)).toBe("");
});

test("only what is between the marks of a page is replaced", () => {
  const page = "# Title\n\n<!-- figures -->\n\nold\n\n<!-- /figures -->\n\nafter\n";
  expect(withFigures(page, "new")).toBe("# Title\n\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\n\nafter\n");
  expect(withFigures(withFigures(page, "new"), "new")).toBe(withFigures(page, "new"));
  expect(withFigures("no marks\n", "new")).toBe("new\n");
});
