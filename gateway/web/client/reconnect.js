// @ts-check
/** Whether and when a client comes back. */

/** The first wait is drawn from 0 to this, and from twice as much each time, */
const FIRST_WAIT_MS = 1_000;
/** up to this: a gateway that comes back is found within half a minute. */
const LONGEST_WAIT_MS = 30_000;
/** Longest wait that a server may ask for. */
const LONGEST_ASKED_WAIT_MS = 600_000;
/** Closes that RFC 6455 and the protocol mean for good; a client that came back would get the same. */
const FINAL_CODES = [1000, 1002, 1003, 1007, 1008, 1009];

/** Whether a client comes back after a close with this code. @param {number} code */
export function comesBack(code) {
  return !FINAL_CODES.includes(code) && !(code >= 4500 && code <= 4999);
}

/**
 * How long to wait before coming back, in milliseconds. Full jitter: anything from nothing to the
 * whole, so that clients cut off together come back apart. A server spreads its clients itself by
 * what it asks of each; only where that failed already is more added.
 *
 * @param {number | null | undefined} asked What the server asked for.
 * @param {number} attempt Attempts that failed so far.
 * @param {number} random From 0 to 1.
 */
export function waitBefore(asked, attempt, random) {
  const jitter = random * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  if (asked == null) return jitter;
  return Math.min(asked, LONGEST_ASKED_WAIT_MS) + (attempt ? jitter : 0);
}

/**
 * When to come back now that there is a network again: soon, but not all at once, for it is the same
 * moment for a whole office; never before the moment that the server asked for, never later than
 * planned.
 *
 * @param {number} now @param {{ earliest: number, planned: number }} wait @param {number} random
 */
export function soonest(now, { earliest, planned }, random) {
  return Math.min(planned, Math.max(earliest, now + random * FIRST_WAIT_MS));
}
