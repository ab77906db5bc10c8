// What else is known of a topic: quotes, its day, and its name for whoever wants to subscribe.

import { price, quantity } from "./format.js";
import { element, write } from "./line.js";

/** How long it says that the name was copied, in milliseconds. */
const SAID_MS = 1500;
const DAY = [
  ["Open 24 h", "open_24h"],
  ["High 24 h", "high_24h"],
  ["Low 24 h", "low_24h"],
];

export class Facts {
  #cells = new Map();
  #timer;

  constructor() {
    this.element = element("dl", "facts");
    for (const name of ["Bid", "Ask", ...DAY.map(([name]) => name), "Volume 24 h", "Topic"]) {
      const [pair, term, cell] = [element("div"), element("dt"), element("dd")];
      term.textContent = name;
      pair.append(term, cell);
      this.element.append(pair);
      this.#cells.set(name, cell);
    }
    this.topic = element("button", "topic", { type: "button", title: "Copy the name to subscribe to" });
    this.topic.addEventListener("click", () => this.#copy());
    const cell = this.#cells.get("Topic");
    cell.parentElement.className = "wide";
    this.said = element("span", "said", { role: "status" });
    cell.append(this.topic, this.said);
  }

  draw(row) {
    const [, bid, ask] = row.prices();
    this.#put("Bid", row.ticker.bid_price, bid);
    this.#put("Ask", row.ticker.ask_price, ask);
    for (const [name, field] of DAY) this.#put(name, row.ticker[field], price(row.ticker[field], row.places));
    this.#put("Volume 24 h", row.ticker.volume_24h, quantity(row.ticker.volume_24h));
    write(this.topic, row.topic);
  }

  #put(name, value, text) {
    const cell = this.#cells.get(name);
    cell.parentElement.hidden = value == null;
    write(cell, text);
  }

  /** Browsers give the clipboard to encrypted and local pages only; elsewhere the name is marked. */
  async #copy() {
    try {
      await navigator.clipboard.writeText(this.topic.textContent);
      write(this.said, "copied");
    } catch {
      getSelection().selectAllChildren(this.topic);
      write(this.said, "marked, copy it by keyboard");
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => write(this.said, ""), SAID_MS);
  }
}
