// @ts-check

/** Round trips that the server's clock is judged by: the quickest of the last few. */
const ROUND_TRIPS = 8;

/** The server's clock, and how far away it is. */
export class Clock {
  /** How long each answer took, and the server's clock beside our monotonic one. @type {{ trip: number, ahead: number }[]} */
  #trips = [];

  /** @param {number} sent @param {number} heard Milliseconds of `performance.now()`. @param {number} time The server's, in microseconds. */
  add(sent, heard, time) {
    this.#trips.push({ trip: heard - sent, ahead: time / 1000 - (sent + heard) / 2 });
    this.#trips = this.#trips.slice(-ROUND_TRIPS);
  }

  /** After sleep, or with another server, what was measured says nothing. */
  forget() {
    this.#trips = [];
  }

  /** The last round trip in milliseconds; null before the first. @returns {number | null} */
  get trip() {
    return this.#trips.at(-1)?.trip ?? null;
  }

  /** Milliseconds since 1970 by the server; by this machine before the first answer. */
  now() {
    const quickest = this.#trips.reduce((a, b) => (b.trip < a.trip ? b : a), this.#trips[0]);
    return quickest ? performance.now() + quickest.ahead : Date.now();
  }
}
