// @ts-check
/** Whether a connection lives: judged by what is heard of it, and when. */

/** How often the server is asked for a sign of life: browsers hide the server's own pings. */
const PING_MS = 15_000;
/** A connection that says nothing for so long is dead: two pings without an answer. */
const SILENCE_MS = 30_000;
/** A handshake takes moments; one that does not end may lead nowhere. */
const DIAL_MS = 10_000;
/** After sleep: an answer to a ping comes within that time, or the connection did not survive. */
const WAKE_MS = 5_000;
/** Between two looks at the clock; a look that comes much later means that the machine slept. */
const LOOK_MS = 2_500;

/** Judges a connection by what is heard of it and when. Told the time, so that it can be tested. */
export class Pulse {
  /** @param {number} now @param {number} pingMs @param {number} silenceMs */
  constructor(now, pingMs = PING_MS, silenceMs = SILENCE_MS) {
    this.pingMs = pingMs;
    this.silenceMs = silenceMs;
    this.lookMs = Math.min(LOOK_MS, pingMs / 2, silenceMs / 4);
    this.looked = now;
    this.pinged = now;
    this.deadline = now + Math.min(DIAL_MS, silenceMs);
    this.woken = false;
  }

  /** Something came. @param {number} now */
  heard(now) {
    this.deadline = now + this.silenceMs;
    this.woken = false;
  }

  /** What is to be done now. @param {number} now @returns {"nothing" | "ping" | "dead"} */
  look(now) {
    const gap = now - this.looked;
    this.looked = now;
    if (gap < 0 || gap > this.lookMs * 2 + WAKE_MS) return this.#wake(now);
    if (now >= this.deadline) return "dead";
    if (now - this.pinged < this.pingMs) return "nothing";
    this.pinged = now;
    return "ping";
  }

  /** Silence while nobody could listen proves nothing, unless it goes on. @param {number} now */
  #wake(now) {
    if (this.woken) return "dead";
    this.woken = true;
    this.pinged = now;
    this.deadline = now + Math.min(WAKE_MS, this.silenceMs);
    return "ping";
  }
}
