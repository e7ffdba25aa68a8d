/**
 * JSON that was written by someone else: read from bytes, so that an error can name the byte; names may not occur twice; what nests too
 * deeply is refused.
 */

/** What is wrong, and where. */
export class JsonProblem extends Error {
  readonly offset: number;
  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

const MAX_DEPTH = 16;
const [QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [34, 92, 44, 58, 123, 125, 91, 93];

/** Reads values one after another, as their receiver asks for them. */
export class JsonReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The byte at which the next value begins. */
  get offset(): number {
    this.#skipSpace();
    return this.#at;
  }

  fail(reason: string, offset: number = this.#at): never {
    throw new JsonProblem(offset, reason);
  }

  #skipSpace(): void {
    for (let c = this.#bytes[this.#at]; c === 32 || c === 10 || c === 13 || c === 9; c = this.#bytes[this.#at])
      this.#at++;
  }

  #take(byte: number): boolean {
    this.#skipSpace();
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #need(byte: number): void {
    if (!this.#take(byte)) this.fail(`'${String.fromCharCode(byte)}' should stand in the JSON`);
  }

  /** An object: for each name, `receive` reads the value. */
  object(receive: (name: string, offset: number) => void): void {
    this.#need(OPEN);
    const names = new Set<string>();
    if (this.#take(CLOSE)) return;
    do {
      const { offset } = this;
      const name = this.string();
      if (names.has(name)) this.fail(`the name ${quoted(name)} stands there twice`, offset);
      names.add(name);
      this.#need(COLON);
      receive(name, offset);
    } while (this.#take(COMMA));
    this.#need(CLOSE);
  }

  /** A list: `receive` reads each value. */
  list(receive: (index: number) => void): void {
    this.#need(OPEN_LIST);
    if (this.#take(CLOSE_LIST)) return;
    let index = 0;
    do receive(index++);
    while (this.#take(COMMA));
    this.#need(CLOSE_LIST);
  }

  string(): string {
    const { offset } = this;
    this.#need(QUOTE);
    const bytes = this.#bytes;
    while (this.#at < bytes.length && bytes[this.#at] !== QUOTE) this.#at += bytes[this.#at] === BACKSLASH ? 2 : 1;
    if (this.#at >= bytes.length) this.fail("a text has no end", offset);
    this.#at++;
    try {
      return JSON.parse(
        new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(offset, this.#at)),
      ) as string;
    } catch {
      return this.fail("a text is not valid UTF-8 or has an escape that does not exist", offset);
    }
  }

  /** An integer of 0 or more that JavaScript can count to. */
  count(what: string): number {
    const { offset } = this;
    const text = this.#word();
    const value = Number(text);
    if (!/^(?:0|[1-9]\d*)$/.test(text) || !Number.isSafeInteger(value)) {
      this.fail(
        `${what} is ${text === "" ? "no number" : quoted(text)}, and should be an integer from 0 to 2^53`,
        offset,
      );
    }
    return value;
  }

  #word(): string {
    let end = this.offset;
    while (end < this.#bytes.length && /[\w.+-]/.test(String.fromCharCode(this.#bytes[end])) && end - this.#at < 400)
      end++;
    const text = String.fromCharCode(...this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return text;
  }

  /** Reads a value of any kind, and forgets it. */
  skip(depth = 0): void {
    const { offset } = this;
    if (depth > MAX_DEPTH) this.fail(`values nest more than ${MAX_DEPTH} deep`);
    const first = this.#bytes[offset];
    if (first === OPEN) this.object(() => this.skip(depth + 1));
    else if (first === OPEN_LIST) this.list(() => this.skip(depth + 1));
    else if (first === QUOTE) this.string();
    else if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(this.#word()))
      this.fail("a value should stand in the JSON", offset);
  }

  /** Only spaces may be left. */
  end(): void {
    if (this.offset < this.#bytes.length) this.fail("something follows the JSON");
  }
}

/** A name from a file, cut to a length that fits into a message. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
