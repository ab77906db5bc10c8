// One line of the table: elements made once, used for whichever row is in view there.

import { course, duration, split } from "./format.js";
import { drawSpark } from "./spark.js";

/** Between two flashes of a line: under three a second, as WCAG 2.3.1 asks. */
const FLASH_EVERY_MS = 450;
const CELLS = ["symbol", "exchange", "last", "change", "bid", "ask", "trend", "age", "state"];

/** What a price may be called while the connection is as it is. */
export function shownState(row, isLinked) {
  return isLinked || row.ticker.state !== "live" ? row.ticker.state : "offline";
}

export class Line {
  #row;
  #version = -1;
  #moves = 0;
  #flashed = 0;
  #isLinked;

  constructor(id) {
    this.element = element("div", "line", { role: "row", id });
    for (const name of CELLS) this[name] = element("div", name, { role: "gridcell" });
    this.price = element("span", "price");
    this.digits = element("span");
    this.zeros = element("span", "zeros");
    this.price.append(this.digits, this.zeros);
    this.last.append(this.price);
    this.canvas = element("canvas", "", { "aria-hidden": "true" });
    this.trend.append(this.canvas);
    this.badge = element("span", "badge");
    this.tag = element("span", "tag");
    this.tag.textContent = "SIM";
    this.tag.title = "simulated";
    this.state.append(this.badge, this.tag);
    this.element.append(...CELLS.map((name) => this[name]));
  }

  get row() {
    return this.#row;
  }

  /** Shows another row at a place. */
  bind(row, index, height) {
    if (this.#row !== row) {
      this.#row = row;
      this.#version = -1;
      this.#moves = row.moves;
      delete this.price.dataset.flash;
    }
    this.element.style.transform = `translateY(${index * height}px)`;
    this.element.setAttribute("aria-rowindex", index + 2);
  }

  /** Writes what has changed since the last time. */
  paint(now, isLinked) {
    const row = this.#row;
    if (row.version === this.#version && isLinked === this.#isLinked) return;
    if (this.#version === -1) this.#name(row);
    const { ticker } = row;
    const state = shownState(row, isLinked);
    const [way, change] = course(row.change);
    this.element.className = `line ${state} ${way}${this.isActive ? " active" : ""}`;
    const [last, bid, ask] = row.prices();
    const [digits, zeros] = split(last);
    write(this.digits, digits);
    write(this.zeros, zeros);
    write(this.change, change);
    write(this.bid, bid);
    write(this.ask, ask);
    write(this.badge, state);
    this.badge.dataset.state = state;
    this.tag.hidden = !ticker.simulated;
    if (row.moves !== this.#moves && now - this.#flashed > FLASH_EVERY_MS) this.#flash(row, now);
    this.#moves = row.moves;
    this.#version = row.version;
    this.#isLinked = isLinked;
  }

  /** Once a second: what changes without an update. */
  tick(serverNow) {
    write(this.age, duration(this.#row.age(serverNow)));
    drawSpark(this.canvas, this.#row.samples);
  }

  #name(row) {
    write(this.symbol, row.symbol);
    write(this.exchange, row.exchange);
    this.element.dataset.exchange = row.exchange;
    this.element.dataset.topic = row.topic;
    write(this.age, "");
    drawSpark(this.canvas, row.samples);
  }

  #flash(row, now) {
    this.#flashed = now;
    const turn = this.price.dataset.flash?.endsWith("0") ? 1 : 0;
    this.price.dataset.flash = `${row.rises ? "up" : "down"}-${turn}`;
  }
}

/** Makes an element. */
export function element(name, className = "", attributes = {}) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Sets a text, unless it is the same. */
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
