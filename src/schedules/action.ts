/**
 * Schedules of the reverse sweep over a chain of steps, as data. State `i` is what step `i` takes; step `i` makes state `i + 1`. Reversing the chain
 * needs the states in the opposite order to that in which they come, and a schedule says which of them are kept in slots, and which are computed
 * again from those. It knows nothing of differentiation: it can be drawn, counted and checked before anything runs.
 */

export type Action =
  /** Computes state `to` from state `from`, which is at hand; nothing in between is kept. */
  | { readonly kind: "advance"; readonly from: number; readonly to: number }
  /** Copies the state at hand, which is that of `step`, into a slot. */
  | { readonly kind: "store"; readonly step: number; readonly slot: number }
  /** Takes the state of `step` from a slot: it is at hand now. Slot null: from the record of the step before, which made it. */
  | { readonly kind: "restore"; readonly step: number; readonly slot: number | null }
  /** Runs a step and keeps everything that its reversal needs. Only schedules of unequal stages do this ahead of the reversal. */
  | { readonly kind: "record"; readonly step: number }
  /** Reverses a step: from its state (or its record) and the cotangent of what it made, the cotangent of what it took. */
  | { readonly kind: "vjp"; readonly step: number }
  /** The slot is free again. */
  | { readonly kind: "free"; readonly step: number; readonly slot: number };

/** Actions in the order in which they happen. State 0 is at hand at the start. */
export type Schedule = Iterable<Action>;
