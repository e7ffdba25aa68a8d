/**
 * The control block: a few words of shared memory by which threads work on one loop together. The thread that runs a program publishes a *job*: a
 * function of the program's table, its argument block, and a number of units in chunks. Chunks that nobody has taken yet are those from `front` to
 * `back`; the caller takes them from the front and helpers from the back, so that each finds in its cache what it wrote in the last job.
 *
 * The ticket holds both ends and the number of the job in one word of 64 bits, which is changed by compare-and-exchange only: a helper that comes
 * late, with the ticket of an earlier job in its hand, takes nothing. The caller never waits for a helper that has taken no chunk.
 *
 * Words that different threads write lie in cache lines of their own. Addresses are in bytes.
 */

/** i64: job << 32 | front << 16 | back. */
export const TICKET = 64;
/** The upper half of the ticket, on which idle helpers wait. */
export const JOB = TICKET + 4;
/** The program that the job belongs to. */
export const PROGRAM = 128;
/** The place of its function in the program's table. */
export const PLACE = 132;
export const BLOCK = 136;
export const UNITS = 140;
/** Units of a chunk, and of one call. */
export const CHUNK = 144;
export const GRAIN = 148;
/** Chunks that are not done yet. */
export const PENDING = 192;
/** How many helpers wait to be woken. */
export const ASLEEP = 256;
/** How many chunks helpers have done since the beginning. */
export const HELPED = 260;
/** How many characters the text of a helper's error has; 0: all is well. */
export const FAILED = 320;
export const FAILURE = 324;
/** So many fit before the first argument block. */
export const FAILURE_LENGTH = 150;

/** The chunks of a job have numbers of 16 bits; far fewer are enough for threads to end together. */
export const MAX_CHUNKS = 4096;
