// What is known of one topic: its price, its course, its bars, the same symbol elsewhere.

import { Chart } from "./chart.js";
import { Facts } from "./facts.js";
import { course, duration, split } from "./format.js";
import { element, shownState, write } from "./line.js";
import { drawSpark } from "./spark.js";
import { Venues } from "./venues.js";

/** From here on the panel stands beside the table, and does not cover it (layout.css). */
const BESIDE = matchMedia("(min-width: 1001px)");

export class Panel {
  #wished = null;
  #asked = [];
  #frame = 0;
  isLinked = false;
  topic = null;

  /** The page's book, and what a panel needs of the page. */
  constructor(book, page) {
    this.book = book;
    this.page = page;
    this.element = document.getElementById("panel");
    this.stage = document.getElementById("stage");
    this.#build();
    BESIDE.addEventListener("change", () => this.#cover());
  }

  /** Opens as soon as the topic is known. */
  wish(topic) {
    this.#wished = topic;
    if (topic && this.book.get(topic)) this.page.open(topic);
  }

  show(topic) {
    this.#wished = null;
    if (topic !== this.topic) {
      this.#leave();
      this.topic = topic;
      const row = this.book.get(topic);
      write(this.title, row.symbol);
      write(this.exchange, row.exchange);
      this.#fill(row);
    }
    this.element.hidden = false;
    this.stage.classList.add("open");
    this.#cover();
    this.repaint();
    this.title.focus();
  }

  /** Asks for everything again: the connection is another one, or grants something else. */
  renew() {
    const row = this.book.get(this.topic);
    if (!row) return;
    this.#leave();
    this.#fill(row);
    this.repaint();
  }

  close() {
    if (this.topic === null) return;
    this.#leave();
    this.topic = null;
    this.element.hidden = true;
    this.stage.classList.remove("open");
    this.#cover();
    this.page.close();
  }

  /** A value has come; it is drawn with the next frame if it is shown here. */
  ticker({ topic, symbol }) {
    if (topic === this.#wished) this.page.open(topic);
    if (this.topic !== null && this.book.get(this.topic)?.symbol === symbol) this.repaint();
  }

  bars(bars) {
    this.chart.bars(bars);
  }

  repaint() {
    if (this.topic === null) return;
    this.chart.repaint();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Once a second. */
  tick() {
    const row = this.book.get(this.topic);
    if (!row) return;
    write(this.age, duration(row.age(this.page.now())));
    drawSpark(this.spark, row.samples);
    this.chart.tick();
  }

  #draw() {
    this.#frame = 0;
    const row = this.book.get(this.topic);
    if (!row) return;
    const state = shownState(row, this.isLinked);
    this.element.dataset.state = state;
    const [way, change] = course(row.change);
    this.quote.className = `quote ${state} ${way}`;
    const [digits, zeros] = split(row.prices()[0]);
    write(this.digits, digits);
    write(this.zeros, zeros);
    write(this.change, change);
    write(this.badge, state);
    this.badge.dataset.state = state;
    this.tag.hidden = !row.ticker.simulated;
    this.facts.draw(row);
    this.venues.draw(this.isLinked);
  }

  #fill(row) {
    // Where not every topic is granted, this symbol is asked for everywhere.
    this.#asked = this.page.showing() ? [] : [`ticker:*:${row.symbol}`];
    if (this.#asked.length) this.page.subscribe(this.#asked, {});
    this.chart.show(row);
    this.venues.show(row);
  }

  #leave() {
    if (this.topic === null) return;
    this.chart.leave();
    if (this.#asked.length) this.page.unsubscribe(this.#asked);
    this.#asked = [];
  }

  /** Where the panel covers the table, nothing beneath it can be reached. */
  #cover() {
    const isCovered = this.topic !== null && !BESIDE.matches;
    document.getElementById("prices").inert = isCovered;
    this.element.setAttribute("aria-modal", isCovered);
  }

  #build() {
    const head = element("header");
    this.title = element("h2", "", { id: "panel-title", tabindex: "-1" });
    this.exchange = element("p", "exchange");
    const shut = element("button", "quiet shut", { type: "button", "aria-label": "Close" });
    shut.textContent = "✕";
    shut.addEventListener("click", () => this.close());
    head.append(this.title, this.exchange, shut);

    this.quote = element("div", "quote");
    const last = element("p", "last");
    this.digits = element("span");
    this.zeros = element("span", "zeros");
    last.append(this.digits, this.zeros);
    this.change = element("p", "change", { title: "Since this page was opened" });
    this.badge = element("span", "badge");
    this.tag = element("span", "tag");
    this.tag.textContent = "SIMULATED";
    this.age = element("span", "age", { title: "Time since this price was received" });
    const state = element("p", "state");
    state.append(this.badge, this.tag, this.age);
    this.spark = element("canvas", "spark", { role: "img", "aria-label": "Course of the last two minutes" });
    this.spark.addEventListener("fit", () => this.tick());
    this.quote.append(last, this.change, this.spark, state);

    this.facts = new Facts();
    this.chart = new Chart(this.page);
    this.venues = new Venues(this.book, this.page.open);
    this.element.append(head, this.quote, this.facts.element, this.chart.element, this.venues.element);
  }
}
