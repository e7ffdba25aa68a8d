/** What `explain` finds. */

/**
 * - `wholeFunction`, `lastStage`, `savesEverything`, `keepsAsMuch`, `peakInside`, `peakElsewhere`: why a checkpoint does not lower the peak;
 * - `savesNothing`: a policy was given, and it saves nothing;
 * - `unknownName`, `unusedName`: names of policies that no value has, names of values that no policy has;
 * - `aroundScan`: a checkpoint around a scan in place of its body;
 * - `notDifferentiated`: a checkpoint without a backward pass.
 */
export type FindingKind =
  | "wholeFunction"
  | "lastStage"
  | "savesEverything"
  | "keepsAsMuch"
  | "peakInside"
  | "peakElsewhere"
  | "savesNothing"
  | "unknownName"
  | "unusedName"
  | "aroundScan"
  | "notDifferentiated";

export interface Finding {
  readonly kind: FindingKind;
  /** What is the matter, and what to do. */
  readonly message: string;
  /** The user's line, empty where nothing is known. */
  readonly place: string;
  /** For calls that do not lower the peak: by how many bytes the peak is lower without them; often 0. */
  readonly bytes?: number;
}
