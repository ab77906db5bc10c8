// @ts-check

/** Keeps commands within what the server grants a connection (`welcome.limits`). */
export class Pace {
  /** @type {string[]} */
  #queue = [];
  #timer = /** @type {any} */ (undefined);
  #tokens;
  #filled = performance.now();

  /** @param {any} limits @param {(text: string) => void} write */
  constructor(limits, write) {
    this.perSecond = limits?.commands_per_second || Infinity;
    // Room is left for a ping at any time.
    this.burst = Math.max(1, (limits?.command_burst || Infinity) - 2);
    this.#tokens = this.burst;
    this.write = write;
  }

  /** @param {object} command */
  send(command) {
    this.#queue.push(JSON.stringify(command));
    if (!this.#timer) this.#drain();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #drain() {
    this.#timer = undefined;
    const now = performance.now();
    const earned = ((now - this.#filled) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + (earned || 0));
    this.#filled = now;
    while (this.#queue.length && this.#tokens >= 1) {
      this.#tokens -= 1;
      this.write(/** @type {string} */ (this.#queue.shift()));
    }
    if (this.#queue.length) this.#timer = setTimeout(() => this.#drain(), 1000 / this.perSecond);
  }
}
