/**
 * The code by which a program shares its loops: `share` publishes a job, takes chunks of it as long as there are any, and waits for those that helpers
 * have taken; `help` is what helpers call to take chunks from the other end. It stands in each program's module, since a job's function is called
 * by the table of that module.
 */
import type { FunctionBuilder, Local } from "../encode/function.ts";
import type { Callable, ModuleBuilder } from "../encode/module.ts";
import { ASLEEP, BLOCK, CHUNK, GRAIN, HELPED, JOB, PENDING, PLACE, PROGRAM, TICKET, UNITS } from "./control.ts";

export interface Sharing {
  /** Tells programs apart. */
  readonly program: number;
  readonly threads: number;
  /** The thread that runs programs may sleep; the main thread of a browser may only look again and again. */
  readonly maySleep: boolean;
}

/** How often a caller looks whether the helpers are done before it sleeps: some 30 microseconds. */
const LOOKS = 20_000;

const field = (f: FunctionBuilder, address: number): Local => {
  const x = f.local("i32");
  f.i32(0).mem("i32.atomic.load", address).set(x);
  return x;
};

/** (fromBack): takes and does chunks of this program's job until none is left. */
function takeChunks(module: ModuleBuilder, { program }: Sharing): FunctionBuilder {
  const f = module.func(["i32"]);
  const fromBack = 0;
  const [ticket, taken] = [f.local("i64"), f.local("i64")];
  const i32 = (): Local => f.local("i32");
  const [front, back, unit, next, end] = [i32(), i32(), i32(), i32(), i32()];
  f.block((done) => {
    f.loop((again) => {
      f.i32(0).mem("i64.atomic.load", TICKET).tee(ticket);
      f.op("i32.wrap_i64").tee(back).i32(16).op("i32.shr_u").set(front);
      f.get(back).i32(0xffff).op("i32.and").set(back);
      f.get(front).get(back).op("i32.ge_u").brIf(done);
      // The job's words belong to the ticket if it is still the same when the chunk is taken.
      f.i32(0).mem("i32.atomic.load", PROGRAM).i32(program).op("i32.ne").brIf(done);
      const [place, block, units] = [field(f, PLACE), field(f, BLOCK), field(f, UNITS)];
      const [chunk, grain] = [field(f, CHUNK), field(f, GRAIN)];
      f.get(ticket).i64(1n).op("i64.sub").get(ticket).i64(0x1_0000n).op("i64.add");
      f.get(fromBack).op("select").set(taken);
      f.i32(0).get(ticket).get(taken).mem("i64.atomic.rmw.cmpxchg", TICKET);
      f.get(ticket).op("i64.ne").brIf(again);
      f.get(back).i32(1).op("i32.sub").get(front).get(fromBack).op("select");
      f.get(chunk).op("i32.mul").tee(unit).get(chunk).op("i32.add").set(end);
      f.get(end).get(units).get(end).get(units).op("i32.lt_u", "select").set(end);
      f.loop((more) => {
        f.get(unit).get(grain).op("i32.add").set(next);
        f.get(next).get(end).get(next).get(end).op("i32.lt_u", "select").set(next);
        f.get(block).get(unit).get(next).get(place).callIndirect(["i32", "i32", "i32"], []);
        f.get(next).tee(unit).get(end).op("i32.lt_u").brIf(more);
      });
      f.get(fromBack);
      f.if(() => {
        f.i32(0).i32(1).mem("i32.atomic.rmw.add", HELPED).op("drop");
      });
      f.i32(0).i32(1).mem("i32.atomic.rmw.sub", PENDING).i32(1).op("i32.eq").get(fromBack).op("i32.and");
      f.if(() => {
        f.i32(0).i32(1).mem("memory.atomic.notify", PENDING).op("drop");
      });
      f.br(again);
    });
  });
  return f;
}

/** (place, block, units, grain, chunk): does a job, with whoever helps. Exports `help`. */
export function shareFunction(module: ModuleBuilder, sharing: Sharing): Callable {
  const take = takeChunks(module, sharing);
  const help = module.func([]);
  help.i32(1).call(take);
  module.export("help", help);
  const f = module.func(["i32", "i32", "i32", "i32", "i32"]);
  const [place, block, units, grain, chunk] = [0, 1, 2, 3, 4];
  const [chunks, looks, pending] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const put = (address: number, value: () => void): void => {
    f.i32(0);
    value();
    f.mem("i32.atomic.store", address);
  };
  f.get(units).get(chunk).op("i32.add").i32(1).op("i32.sub").get(chunk).op("i32.div_u").set(chunks);
  put(PROGRAM, () => f.i32(sharing.program));
  put(PLACE, () => f.get(place));
  put(BLOCK, () => f.get(block));
  put(UNITS, () => f.get(units));
  put(CHUNK, () => f.get(chunk));
  put(GRAIN, () => f.get(grain));
  put(PENDING, () => f.get(chunks));
  f.i32(0);
  f.i32(0).mem("i32.atomic.load", JOB).i32(1).op("i32.add", "i64.extend_i32_u").i64(32n).op("i64.shl");
  f.get(chunks).op("i64.extend_i32_u", "i64.or").mem("i64.atomic.store", TICKET);
  f.i32(0).mem("i32.atomic.load", ASLEEP);
  f.if(() => {
    f.i32(0).get(chunks).i32(1).op("i32.sub").mem("memory.atomic.notify", JOB).op("drop");
  });
  f.i32(0).call(take);
  f.block((done) => {
    f.loop((again) => {
      f.i32(0).mem("i32.atomic.load", PENDING).tee(pending).op("i32.eqz").brIf(done);
      if (!sharing.maySleep) f.br(again);
      else {
        f.get(looks).i32(1).op("i32.add").tee(looks).i32(LOOKS).op("i32.lt_u").brIf(again);
        f.i32(0).get(pending).i64(-1n).mem("memory.atomic.wait32", PENDING).op("drop").br(again);
      }
    });
  });
  return f;
}
