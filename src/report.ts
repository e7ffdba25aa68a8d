/** Installs what programs and errors tell: JAX's text of programs, places in the user's code, and the names of its arguments. */
import { printJaxpr, printJaxprHtml } from "./core/print.ts";
import { setReporting } from "./core/reporting.ts";
import { captureStack } from "./core/stack.ts";
import { explainUnknown, originOf } from "./core/unknown.ts";
import { parametersOf } from "./parameters.ts";
import { setPrefixReport } from "./tree.ts";
import { prefixError } from "./treePrefix.ts";

/**
 * From now on programs print themselves, equations know the user's line, and errors name lines and arguments. The package's entry has called it; an app
 * made of `remat/autodiff` calls it while it is developed. Calling it again changes nothing.
 */
export function report(): void {
  setReporting({
    text: printJaxpr,
    html: printJaxprHtml,
    place: captureStack,
    unknown: explainUnknown,
    origin: originOf,
    parameters: parametersOf,
  });
  setPrefixReport(prefixError);
}
