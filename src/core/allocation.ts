/**
 * Memory that the system doesn't give. JavaScript has no error of its own for it: engines throw a RangeError (V8, JavaScriptCore) or an InternalError
 * (SpiderMonkey), and only its text tells it from others.
 */
import { RematError } from "../errors.ts";

/** Whether an error says that there was no room for an array or for memory. */
export function isAllocationFailure(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof RematError) return false;
  const named = error instanceof RangeError || error.name === "InternalError";
  return named && /alloc|out of memory|array length|buffer length|too large/i.test(error.message);
}
