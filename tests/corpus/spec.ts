/** The cases of the corpus as FORMAT.md has them: their types, and how parts of their programs are told apart. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Fields = { readonly [key: string]: Json };

export interface ArraySpec {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data?: readonly Json[];
  readonly weak?: boolean;
}

/** One line of a corpus file. */
export interface Case {
  readonly name: string;
  readonly tags: readonly string[];
  readonly x64?: boolean;
  readonly inputs: readonly ArraySpec[];
  readonly consts?: readonly ArraySpec[];
  readonly functions: { readonly [name: string]: Json };
  readonly main: Json;
  readonly args?: readonly Json[];
  readonly kwargs?: Fields;
  readonly check: {
    readonly exact: readonly string[];
    readonly close: readonly string[];
    readonly report: readonly string[];
  };
  readonly expect: Fields;
}

export const isFields = (e: Json | undefined): e is Fields => typeof e === "object" && e !== null && !Array.isArray(e);
export const isFunctionSpec = (e: Json | undefined): e is Fields => isFields(e) && Array.isArray(e["params"]);
export const list = (e: Json | undefined): readonly Json[] => (Array.isArray(e) ? e : []);
export const fields = (e: Json | undefined): Fields => (isFields(e) ? e : {});
