// @ts-check
/** @typedef {import("../tickcast.js").Ticker} Ticker */

import { report } from "./report.js";

/** Callbacks run for so long before messages get their turn: half a frame of a screen. */
const SLICE_MS = 8;

/** The newest value of every topic that a slow consumer has not had yet: never more than that. */
export class Mailbox {
  /** @type {Map<string, Ticker>} */
  #waiting = new Map();
  #running = false;
  /** @type {() => void} */
  #wake = () => {};

  /** @param {(ticker: Ticker) => unknown} [deliver] Without it `take` fetches what waits. */
  constructor(deliver) {
    this.deliver = deliver;
  }

  /** @param {Ticker} ticker */
  put(ticker) {
    this.#waiting.set(ticker.topic, ticker);
    this.#wake();
    if (!this.deliver || this.#running) return;
    this.#running = true;
    // In a task of its own: messages that are here already replace each other first.
    setTimeout(() => this.#run(this.deliver));
  }

  clear() {
    this.#waiting.clear();
    this.#wake();
  }

  /** The value that has waited longest. @returns {Ticker | undefined} */
  take() {
    for (const [topic, ticker] of this.#waiting) {
      this.#waiting.delete(topic);
      return ticker;
    }
  }

  /** Settles when something was put in, or the end has come. @returns {Promise<void>} */
  change() {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** @param {any} deliver */
  async #run(deliver) {
    let until = performance.now() + SLICE_MS;
    for (let ticker = this.take(); ticker; ticker = this.take()) {
      try {
        const answer = deliver(ticker);
        if (typeof answer?.then === "function") await answer;
      } catch (error) {
        report(error);
      }
      if (performance.now() < until) continue;
      await new Promise((resolve) => setTimeout(resolve));
      until = performance.now() + SLICE_MS;
    }
    this.#running = false;
  }
}
