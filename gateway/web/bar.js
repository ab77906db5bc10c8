// The bar at the foot: how well this page is connected.

import { NOTHING, duration, milliseconds } from "./format.js";
import { write } from "./line.js";

/** Every so many updates one is timed: clocks are not free. */
const TIMED_EVERY = 8;

export class Bar {
  #updates = 0;
  #delays = [];
  #since = performance.now();
  #status = { state: "connecting", attempt: 0 };
  #retryAt = 0;
  #trip = NaN;
  #beatAt = 0;

  constructor() {
    this.element = document.getElementById("bar");
    for (const id of ["link", "rate", "latency", "heartbeat", "server"]) {
      this[id] = document.getElementById(id);
    }
  }

  /** An update came. */
  count(ticker, feed) {
    this.#updates += 1;
    if (this.#updates % TIMED_EVERY === 0) this.#delays.push(feed.now() - ticker.published_ts / 1000);
  }

  /** The connection is another one. */
  show(status) {
    this.#status = status;
    this.element.dataset.link = status.state;
    if (status.state === "waiting") this.#retryAt = performance.now() + status.retryInMs;
    if (status.welcome) {
      write(this.server, `${status.welcome.server} ${status.welcome.version} at ${location.host}`);
      this.server.title = `connection ${status.welcome.connection_id}`;
    }
    write(this.link, this.sentence());
  }

  /** The connection in a few words. */
  sentence() {
    const { state, attempt, reason, code } = this.#status;
    const left = Math.ceil((this.#retryAt - performance.now()) / 1000);
    if (state === "live") return "connected";
    if (state === "open") return "catching up";
    if (state === "connecting") return attempt ? `reconnecting, attempt ${attempt}` : "connecting";
    if (state === "waiting") return left > 0 ? `reconnecting in ${left} s` : "reconnecting";
    if (state === "locked") return "waits for a key";
    return `closed: ${reason || code}`;
  }

  /** Once a second. */
  tick(feed) {
    const now = performance.now();
    const rate = (this.#updates * 1000) / (now - this.#since);
    const isLinked = this.#status.state === "live" || this.#status.state === "open";
    const middle = this.#delays.sort((a, b) => a - b)[this.#delays.length >> 1];
    write(this.link, this.sentence());
    write(this.rate, `${Math.round(rate)}/s`);
    write(this.latency, milliseconds(middle));
    write(this.heartbeat, isLinked ? this.#beat(feed.latencyMs, now) : NOTHING);
    [this.#updates, this.#delays, this.#since] = [0, [], now];
  }

  /** Another round trip is another sign of life. */
  #beat(trip, now) {
    if (trip === null) return NOTHING;
    if (trip !== this.#trip) [this.#trip, this.#beatAt] = [trip, now];
    return `${milliseconds(trip)}, ${duration(now - this.#beatAt)} ago`;
  }
}
