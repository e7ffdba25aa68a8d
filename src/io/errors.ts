/** What can be wrong with a file: where, and why. */
import { RematValueError } from "../errors.ts";

export type FileFormat = "npy" | "npz" | "safetensors";

/**
 * A file that is damaged, hostile, or holds what has no place here. Reading ends with this error before anything larger than the file is
 * allocated.
 */
export class FileFormatError extends RematValueError {
  readonly format: FileFormat;
  /** The byte at which reading failed: of the file, or of the unpacked member of an archive. */
  readonly offset: number;
  readonly reason: string;

  constructor(
    format: FileFormat,
    offset: number,
    reason: string,
    advice = "Get the file anew, or write it again with the tool it came from.",
  ) {
    super(`a .${format} file was read, and at byte ${offset} ${reason}. ${advice}`);
    this.format = format;
    this.offset = offset;
    this.reason = reason;
  }
}

const COMPLETE =
  "Write it with a dtype that has a place here: bool, integers of 8 to 64 bits, float16, bfloat16, float32, float64, complex.";

/** A file in order, but with elements that no array here can have. */
export const unsupportedElements = (format: FileFormat, offset: number, reason: string): FileFormatError =>
  new FileFormatError(format, offset, reason, COMPLETE);
