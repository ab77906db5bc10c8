// The exchanges beside the index: what each says, and how far it is off.

import { middle, percent, scaleFor } from "./format.js";
import { element, shownState, write } from "./line.js";

export class Venues {
  #lines = new Map();
  #scale = 0;

  constructor(book, open) {
    this.book = book;
    this.open = open;
    this.element = element("section", "venues");
    const title = element("h3");
    this.title = title;
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const [name, kind] of [["Exchange", ""], ["Middle", "number"], ["Off index", "number"], ["", "off"], ["State", ""]]) {
      const cell = element("th", kind, { scope: "col" });
      cell.textContent = name;
      head.append(cell);
    }
    this.range = head.cells[3];
    this.range.title = "How far the bars reach";
    this.rows = table.createTBody();
    this.element.append(title, table);
  }

  show({ symbol, topic }) {
    this.symbol = symbol;
    this.topic = topic;
    this.#lines.clear();
    this.#scale = 0;
    this.rows.replaceChildren();
  }

  draw(isLinked) {
    const rows = this.book.everywhere(this.symbol);
    const index = rows.find((row) => row.exchange === "index");
    write(this.title, index ? `${this.symbol} beside its index` : `${this.symbol} on other exchanges`);
    const off = (row) => (index && row !== index ? row.middle / index.value - 1 : NaN);
    const live = rows.filter((row) => row.ticker.state === "live");
    this.#scale = scaleFor(live.map(off), this.#scale);
    write(this.range, index ? `±${Number((this.#scale * 100).toPrecision(2))} %` : "");
    for (const row of rows) this.#draw(row, { index, off: off(row), isLinked });
  }

  #draw(row, { index, off, isLinked }) {
    const line = this.#line(row);
    const state = shownState(row, isLinked);
    line.row.className = state;
    write(line.price, middle(row));
    write(line.off, row === index ? "" : percent(off, 3));
    const share = Math.max(-1, Math.min(1, off / this.#scale)) || 0;
    line.bar.style.transform = `scaleX(${share})`;
    line.bar.className = share < 0 ? "below" : "above";
    const left = index?.ticker.excluded?.find((it) => it.exchange === row.exchange);
    write(line.badge, left && state === "live" ? `not counted: ${left.reason}` : state);
    line.badge.dataset.state = state;
  }

  /** The line of an exchange, where its name says it should stand. */
  #line(row) {
    const known = this.#lines.get(row.exchange);
    if (known) return known;
    const line = { row: element("tr"), price: element("td", "number"), off: element("td", "number") };
    const [name, chart, state] = [element("th", "", { scope: "row" }), element("td", "off"), element("td")];
    const button = element("button", "", { type: "button" });
    button.textContent = row.exchange;
    if (row.topic === this.topic) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => this.open(row.topic));
    line.bar = element("i");
    line.badge = element("span", "badge");
    name.append(button);
    chart.append(line.bar);
    state.append(line.badge);
    line.row.append(name, line.price, line.off, chart, state);
    const after = [...this.#lines].find(([exchange]) => row.exchange === "index" || exchange > row.exchange && exchange !== "index");
    this.rows.insertBefore(line.row, after?.[1].row ?? null);
    this.#lines.set(row.exchange, line);
    return line;
  }
}
