// What cannot be overlooked: no connection, simulated prices, prices that are not live.

import { duration } from "./format.js";
import { write } from "./line.js";

export class Notices {
  #lostAt = null;
  /** Why the connection ended for good, if it did. */
  end = null;

  constructor({ voice, search, connect }) {
    this.voice = voice;
    this.lost = document.getElementById("lost");
    this.simulated = document.getElementById("simulated");
    this.unwell = document.getElementById("unwell");
    this.states = [...this.unwell.querySelectorAll("button")];
    for (const button of this.states) button.addEventListener("click", () => search(button.dataset.state));
    this.again = this.lost.querySelector("button");
    this.again.addEventListener("click", connect);
  }

  /** The connection is another one. */
  link(status) {
    const isLinked = status.state === "live";
    if (isLinked) this.#lostAt = null;
    else if (status.state === "waiting" || status.state === "closed") this.#lostAt ??= performance.now();
    this.lost.hidden = this.#lostAt === null;
    this.end = status.state === "closed" ? status.reason || status.code : null;
    this.again.hidden = this.end === null;
  }

  /** Once a second, and when the connection changes. */
  tick(sentence, counts) {
    if (this.#lostAt !== null) {
      const age = duration(performance.now() - this.#lostAt);
      const end = `The gateway has closed the connection for good (${this.end}): no price below is live.`;
      const gap = `No connection for ${age}: no price below is live. The page is ${sentence}.`;
      write(this.lost.firstElementChild, this.end === null ? gap : end);
    }
    this.simulated.hidden = counts.simulated === 0;
    const parts = ["stale", "halted"].filter((state) => counts[state] > 0);
    for (const button of this.states) button.hidden = !counts[button.dataset.state];
    this.unwell.hidden = parts.length === 0;
    const text = parts.map((state) => `${counts[state]} ${state}`).join(", ");
    const all = counts.live + counts.stale + counts.halted + counts.pending;
    write(this.unwell.querySelector("span"), text && `Of ${all} prices: ${text}.`);
    if (text !== this.told) this.voice.say(text ? `${text} of ${all} prices` : "all prices are live again");
    this.told = text;
  }
}
