// @ts-check

/** Keeps commands within what the server grants a connection (`welcome.limits`). */
export class Pace {
  /** @type {any[]} */
  #queue = [];
  /** Sent, and nothing heard of them yet. @type {Map<string, any>} */
  #unheard = new Map();
  #timer = /** @type {any} */ (undefined);
  #tokens;
  /** When tokens were counted; after `hold` the moment from which they are counted again. */
  #filled = performance.now();

  /** @param {any} limits @param {(text: string) => void} write */
  constructor(limits, write) {
    this.perSecond = limits?.commands_per_second || Infinity;
    // Room is left for a ping at any time.
    this.burst = Math.max(1, (limits?.command_burst || Infinity) - 2);
    this.#tokens = this.burst;
    this.write = write;
  }

  /** @param {{ id: string, [key: string]: unknown }} command */
  send(command) {
    this.#queue.push(command);
    if (!this.#timer) this.#drain();
  }

  /** Something was sent that could not wait: the server counts it all the same. */
  spend() {
    this.#fill();
    this.#tokens -= 1;
  }

  /** The server did look at this command. @param {string} id */
  heard(id) {
    this.#unheard.delete(id);
  }

  /** The server takes nothing for so long, and one command then. @param {number} ms */
  hold(ms) {
    this.#fill();
    const now = performance.now();
    // It grants less than it said, such as after a reload. What is refused at once counts once.
    if (this.#filled <= now) {
      this.perSecond /= 2;
      this.burst = Math.max(1, this.burst / 2);
    }
    this.#tokens = Math.min(this.#tokens, 1);
    this.#filled = Math.max(this.#filled, now + ms);
  }

  /** Commands that were sent and may have been ignored, oldest first. They count as not sent. */
  takeUnheard() {
    const commands = [...this.#unheard.values()];
    this.#unheard.clear();
    return commands;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #fill() {
    const passed = performance.now() - this.#filled;
    if (passed <= 0) return;
    this.#tokens = Math.min(this.burst, this.#tokens + (passed / 1000) * this.perSecond);
    this.#filled += passed;
  }

  #drain() {
    this.#timer = undefined;
    this.#fill();
    const held = this.#filled - performance.now();
    while (held <= 0 && this.#queue.length && this.#tokens >= 1) {
      this.#tokens -= 1;
      const command = this.#queue.shift();
      this.#unheard.set(command.id, command);
      this.write(JSON.stringify(command));
    }
    if (!this.#queue.length) return;
    this.#timer = setTimeout(() => this.#drain(), Math.max(held, 1000 / this.perSecond));
  }
}
