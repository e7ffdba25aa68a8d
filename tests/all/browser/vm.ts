/** What the corpus needs of `node:vm`, in a browser. */
class Script {
  readonly #text: string;

  constructor(text: string, options: { readonly filename: string }) {
    this.#text = `${text}\n//# sourceURL=${options.filename}`;
  }

  runInThisContext(): unknown {
    // Calling eval by another name evaluates in the global scope.
    const evaluate = eval;
    return evaluate(this.#text);
  }
}

const vm = { Script };
export { vm as default };
