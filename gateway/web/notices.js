// What cannot be overlooked: no connection, simulated prices, prices that are not live.

import { duration } from "./format.js";
import { write } from "./line.js";

export class Notices {
  #lostAt = null;

  constructor({ voice, search }) {
    this.voice = voice;
    this.lost = document.getElementById("lost");
    this.simulated = document.getElementById("simulated");
    this.unwell = document.getElementById("unwell");
    this.unwell.querySelector("button").addEventListener("click", () => search(this.worst));
  }

  /** The connection is another one. */
  link(status) {
    const isLinked = status.state === "live";
    if (isLinked) this.#lostAt = null;
    else if (status.state === "waiting" || status.state === "closed") this.#lostAt ??= performance.now();
    this.lost.hidden = this.#lostAt === null;
  }

  /** Once a second, and when the connection changes. */
  tick(sentence, counts) {
    if (this.#lostAt !== null) {
      const age = duration(performance.now() - this.#lostAt);
      write(this.lost, `No connection for ${age}: no price below is live. The page is ${sentence}.`);
    }
    this.simulated.hidden = counts.simulated === 0;
    const parts = ["stale", "halted"].filter((state) => counts[state] > 0);
    this.worst = parts[0];
    this.unwell.hidden = parts.length === 0;
    const text = parts.map((state) => `${counts[state]} ${state}`).join(", ");
    const all = counts.live + counts.stale + counts.halted + counts.pending;
    write(this.unwell.querySelector("span"), text && `Of ${all} prices: ${text}.`);
    if (text !== this.told) this.voice.say(text ? `${text} of ${all} prices` : "all prices are live again");
    this.told = text;
  }
}
