/** The min-cut policy: its flows against a slow algorithm, and what it saves of real functions. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  lax,
  makeJaxpr,
  type NDArray,
  nn,
  np,
  RematValueError,
  savedResiduals,
  type Policy,
} from "../../src/index.ts";
import { FlowNetwork } from "../../src/passes/maxFlow.ts";
import { count, numbersOf } from "../remat/measure.ts";

const { minCut, dotsSaveable, everythingSaveable } = checkpointPolicies;

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
}

/** Ford and Fulkerson: any path with room left, until there is none. */
function slowFlow(size: number, edges: readonly Edge[]): number {
  const room = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const { from, to, capacity } of edges) room[from][to] += capacity;
  const push = (at: number, limit: number, seen: Set<number>): number => {
    if (at === size - 1) return limit;
    seen.add(at);
    for (let to = 0; to < size; to++) {
      if (room[at][to] === 0 || seen.has(to)) continue;
      const pushed = push(to, Math.min(limit, room[at][to]), seen);
      if (pushed === 0) continue;
      room[at][to] -= pushed;
      room[to][at] += pushed;
      return pushed;
    }
    return 0;
  };
  let total = 0;
  for (let pushed = push(0, Infinity, new Set()); pushed > 0; pushed = push(0, Infinity, new Set())) total += pushed;
  return total;
}

test("the flow is the greatest, and the cut beside the sink has its capacity", () => {
  const network = fc.integer({ min: 2, max: 9 }).chain((size) => {
    const place = fc.integer({ min: 0, max: size - 1 });
    const edge = fc.record({ from: place, to: place, capacity: fc.integer({ min: 0, max: 12 }) });
    return fc.record({ size: fc.constant(size), edges: fc.array(edge, { maxLength: 30 }) });
  });
  fc.assert(
    fc.property(network, ({ size, edges }) => {
      const used = edges.filter((e) => e.from !== e.to);
      const net = new FlowNetwork();
      for (let i = 0; i < size; i++) net.node();
      for (const e of used) net.edge(e.from, e.to, e.capacity);
      const flow = net.maximize(0, size - 1);
      expect(flow).toBe(slowFlow(size, used));
      const side = net.sinkSide(size - 1);
      expect(side[0]).toBe(false);
      const cut = used.filter((e) => !side[e.from] && side[e.to]).reduce((sum, e) => sum + e.capacity, 0);
      expect(cut).toBe(flow);
    }),
    { numRuns: 300 },
  );
});

test("no finite cut", () => {
  const net = new FlowNetwork();
  const [s, a, t] = [net.node(), net.node(), net.node()];
  net.edge(s, a, Infinity);
  net.edge(a, t, Infinity);
  expect(net.maximize(s, t)).toBe(Infinity);
});

const made = (f: (...args: never[]) => unknown, ...args: readonly unknown[]): string[] =>
  savedResiduals(f as (...args: unknown[]) => unknown, ...args)
    .filter((r) => r.kind !== "argument")
    .map((r) => `${String(r.aval)} ${r.name ?? ""}`);
const made1 = (f: (w: NDArray, x: NDArray) => NDArray, policy: Policy): string[] =>
  made(checkpoint(f, { policy }), w, x);
const bytes = (f: (w: NDArray, x: NDArray) => NDArray, policy: Policy): number =>
  savedResiduals(checkpoint(f, { policy }), w, x).reduce((sum, r) => sum + r.bytes, 0);

const w = np.reshape(np.linspace(-1, 1, 1024), [32, 32]);
const x = np.reshape(np.linspace(0, 2, 256), [8, 32]);

describe("what is saved", () => {
  const mask = (a: NDArray, b: NDArray): NDArray =>
    np.sum(np.where(np.greater(np.dot(b, a), 0), np.dot(b, a.add(1)), 0));
  const chain = (a: NDArray, b: NDArray): NDArray => np.sum(np.sin(np.exp(np.sin(np.dot(b, a)))));
  const called = (a: NDArray, b: NDArray): NDArray => np.sum(nn.gelu(np.dot(nn.relu(np.dot(b, a)), a)));

  test.each<[string, (a: NDArray, b: NDArray) => NDArray, Policy, string[]]>([
    ["a product, once", chain, minCut(), ["f32[8,32] dot_general"]],
    ["nothing where nothing is dear", chain, minCut({ flopsPerByte: 1000 }), []],
    ["a mask, not what it is made of", mask, minCut(), ["bool[8,32] gt"]],
    ["values between calls", called, minCut(), ["f32[8,32] dot_general", "f32[8,32] dot_general"]],
  ])("%s", (_, f, policy, expected) => {
    expect(made1(f, policy)).toEqual(expected);
  });

  test.each([
    ["a chain", chain],
    ["a mask", mask],
    ["calls", called],
  ])("never more than the products or everything: %s", (_, f) => {
    expect(bytes(f, minCut())).toBeLessThanOrEqual(bytes(f, dotsSaveable));
    expect(bytes(f, minCut())).toBeLessThanOrEqual(bytes(f, everythingSaveable));
  });

  test("no product runs twice", () => {
    const text = String(makeJaxpr(grad(checkpoint(called, { policy: minCut() }), { argnums: [0, 1] }))(w, x));
    const plain = String(makeJaxpr(grad(called, { argnums: [0, 1] }))(w, x));
    expect(count(text, "dot_general")).toBe(count(plain, "dot_general"));
  });
});

describe("inside of loops", () => {
  const loop = (policy: Policy | null) => (a: NDArray, b: NDArray) => {
    const run = (c: NDArray, d: NDArray): NDArray => {
      const [last] = lax.scan((h: NDArray) => [np.sin(np.exp(np.dot(h, c).mul(0.01))), null] as const, d, null, {
        length: 3,
      });
      return np.sum(last);
    };
    return grad(policy === null ? run : checkpoint(run, { policy }), { argnums: [0, 1] })(a, b);
  };
  test("the body is cut for itself", () => {
    const text = String(makeJaxpr(loop(minCut()))(w, x));
    expect(count(text, "dot_general")).toBe(count(String(makeJaxpr(loop(null))(w, x)), "dot_general"));
    expect(numbersOf(loop(minCut())(w, x))).toEqual(numbersOf(loop(null)(w, x)));
    expect(numbersOf(jit(loop(minCut()))(w, x))).toEqual(numbersOf(jit(loop(null))(w, x)));
  });
});

test("a limit that is none", () => {
  expect(() => minCut({ flopsPerByte: -1 })).toThrow(RematValueError);
});

test("the hook is asked once for a program, and of the policy that it gave for bodies inside", () => {
  const asked: string[] = [];
  const policy: Policy = Object.assign(() => false, {
    prepare: ({
      jaxpr,
      unknownIn,
    }: {
      jaxpr: { eqns: readonly { primitive: { name: string } }[] };
      unknownIn: readonly boolean[];
    }) => {
      asked.push(`outer ${jaxpr.eqns.map((e) => e.primitive.name).join(" ")} ${unknownIn.join()}`);
      return Object.assign(() => true, {
        prepare: ({ jaxpr: body }: { jaxpr: { eqns: readonly unknown[] } }) => {
          asked.push(`inner ${String(body.eqns.length)}`);
          return () => true;
        },
      });
    },
  });
  const f = checkpoint((y: NDArray) => jit((z: NDArray) => np.sin(z))(np.cos(y)), { policy });
  const g = grad((y: NDArray) => f(y));
  g(np.array(1));
  g(np.array(2));
  expect(asked).toEqual(["outer cos sin mul neg jit false,true", "inner 3"]);
});
