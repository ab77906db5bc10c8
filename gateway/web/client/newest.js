// @ts-check
/** @typedef {import("../tickcast.js").Ticker} Ticker */

/**
 * What a topic's value is once this has come; none when nothing changes. Another gateway may lag
 * behind the one before: no value gives way to an older one, but it is not this gateway's word either
 * until one comes that is not older. An equal pair says the same anew.
 *
 * @param {Ticker | undefined} held @param {Ticker} came
 * @returns {Ticker | undefined}
 */
export function newest(held, came) {
  const isOlder = held && (came.epoch - held.epoch || came.seq - held.seq) < 0;
  return isOlder ? unvouched(held) : came;
}

/** A value that was live until now, and that no gateway stands for any more. @param {Ticker | undefined} held @returns {Ticker | undefined} */
export function unvouched(held) {
  return held?.state === "live" ? { ...held, state: "stale" } : undefined;
}
