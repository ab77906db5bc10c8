// Which rows are shown, and in which order.

import { byExchange } from "./book.js";
import { compile } from "./search.js";

const ORDERS = {
  symbol: (a, b) => compare(a.symbol, b.symbol) || byExchange(a, b),
  exchange: (a, b) => byExchange(a, b) || compare(a.symbol, b.symbol),
  change: (a, b) => (a.change || 0) - (b.change || 0) || compare(a.topic, b.topic),
};

export class View {
  #finds = compile("");
  query = "";
  order = "symbol";
  isDescending = false;
  /** Rows in the order shown. */
  rows = [];

  constructor(book) {
    this.book = book;
  }

  search(text) {
    this.query = text.trim();
    this.#finds = compile(text);
    this.refresh();
  }

  /** By this, or the other way round if it is so already. Changes begin with the largest. */
  sort(order) {
    this.isDescending = this.order === order ? !this.isDescending : order === "change";
    this.order = order;
    this.refresh();
  }

  refresh() {
    const compared = ORDERS[this.order];
    const order = this.isDescending ? (a, b) => compared(b, a) : compared;
    this.rows = this.book.rows.filter(this.#finds).sort(order);
  }
}

function compare(a, b) {
  return (a > b) - (a < b);
}
