/** The public names of io. */
export { FileFormatError, type FileFormat } from "./errors.ts";
export { readNpy, writeNpy } from "./npy.ts";
export { openNpz, readNpz, writeNpz, type NpzFile, type NpzOptions } from "./npz.ts";
export {
  openSafetensors,
  readSafetensors,
  safetensorsChunks,
  writeSafetensors,
  type Safetensors,
  type SafetensorsFile,
  type SafetensorsOptions,
  type TensorInfo,
} from "./safetensors.ts";
export type { BlobLike, ByteSource, FileHandleLike, Readable } from "./source.ts";
