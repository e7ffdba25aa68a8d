/** `device_put`: copies a value from one memory to another, as offloading policies ask for. */
import { bind } from "../core/interpreter.ts";
import type { MemorySpace } from "../core/aval.ts";
import type { Params } from "../core/jaxpr.ts";
import { Offload } from "../core/policy.ts";
import type { Primitive } from "../core/primitive.ts";
import { Verbatim } from "../core/python.ts";

export interface DevicePutParams extends Params {
  /** Where each operand goes. */
  readonly devices: readonly MemorySpace[];
}

const printed = (space: MemorySpace): Verbatim =>
  new Verbatim(space === "host" ? "MemorySpace.Host" : "MemorySpace.Device");

export const devicePutP: Primitive<DevicePutParams> = {
  name: "device_put",
  type: (avals, { devices }) => avals.map((a, i) => a.update({ memorySpace: devices[i] })),
  jvp(primals, tangents, params) {
    const outs = bind(devicePutP, primals, params);
    return {
      primals: outs,
      tangents: tangents.map((t, i) =>
        t === null ? null : bind(devicePutP as Primitive, [t], { devices: [params.devices[i]] })[0],
      ),
    };
  },
  transpose: (cts, args) =>
    cts.map((ct, i) =>
      ct === null ? null : bind(devicePutP as Primitive, [ct], { devices: [args[i].aval.memorySpace] })[0],
    ),
  batch: (_size, args, dims, params) => ({ outs: bind(devicePutP, args, params), dims }),
  print: ({ devices }) => [
    ["copy_semantics", [new Verbatim("ArrayCopySemantics.ALWAYS_COPY")]],
    ["devices", devices.map(printed)],
    ["srcs", [null]],
  ],
};

/** The answer "save it in another memory": a memory kind to copy from, and one to copy to (`pinned_host` is host memory). */
export class Offloadable extends Offload {
  override get primitive(): Primitive {
    return devicePutP;
  }

  override toString(): string {
    return `Offloadable(src='${this.src}', dst='${this.dst}')`;
  }
}
