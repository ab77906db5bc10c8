// What is known of every topic: newest ticker, first price, and a sample each second.

import { places, price } from "./format.js";

/** Samples of a trend: two minutes. */
const SAMPLES = 120;

/** One topic. */
export class Row {
  constructor(ticker) {
    this.topic = ticker.topic;
    this.exchange = ticker.exchange;
    this.symbol = ticker.symbol;
    /** Counts changes, so that whoever draws it knows whether it is to be drawn again. */
    this.version = 0;
    /** Counts moves of the last price. */
    this.moves = 0;
    this.rises = true;
    /** Approximate prices of the past, oldest first, for drawing only. */
    this.samples = [];
    this.first = undefined;
    /** Decimals of this topic: the most that were drawn so far. */
    this.places = 0;
  }

  put(ticker) {
    const before = this.ticker?.last_price;
    const last = ticker.last_price;
    if (last !== null && last !== before) {
      const value = Number(last);
      if (before != null) {
        this.rises = value > this.value;
        this.moves += 1;
      }
      this.value = value;
      // The change is counted from the first price that was the market's.
      if (ticker.state === "live") this.first ??= value;
    }
    this.ticker = ticker;
    this.version += 1;
  }

  /** The change since the page was opened, as a ratio; NaN before a live price. */
  get change() {
    return this.first === undefined ? NaN : this.value / this.first - 1;
  }

  /** The middle of bid and ask where there is one, as the index counts it. */
  get middle() {
    const { bid_price: bid, ask_price: ask } = this.ticker;
    return bid !== null && ask !== null ? (Number(bid) + Number(ask)) / 2 : this.value;
  }

  /** Last price, bid and ask as they are drawn: with as many decimals each. */
  prices() {
    const { last_price: last, bid_price: bid, ask_price: ask } = this.ticker;
    this.places = Math.max(this.places, places(last), places(bid), places(ask));
    return [last, bid, ask].map((text) => price(text, this.places));
  }

  /** How long ago the price was received, by the server's clock in milliseconds. */
  age(now) {
    const { received_ts: received, published_ts: published } = this.ticker;
    return now - (received ?? published) / 1000;
  }
}

/** All topics that have a value. */
export class Book {
  #rows = new Map();

  /** Returns whether the topic is a new one. */
  put(ticker) {
    let row = this.#rows.get(ticker.topic);
    const isNew = !row;
    if (isNew) {
      row = new Row(ticker);
      this.#rows.set(ticker.topic, row);
    }
    row.put(ticker);
    return isNew;
  }

  get(topic) {
    return this.#rows.get(topic);
  }

  /** Keeps only what the server still knows. Returns whether anything went. */
  keep(topics) {
    const known = new Set(topics);
    const gone = [...this.#rows.keys()].filter((topic) => !known.has(topic));
    for (const topic of gone) this.#rows.delete(topic);
    return gone.length > 0;
  }

  get rows() {
    return [...this.#rows.values()];
  }

  /** The same symbol everywhere, the index first. */
  everywhere(symbol) {
    return this.rows.filter((row) => row.symbol === symbol).sort(byExchange);
  }

  /** Once a second. */
  sample() {
    for (const row of this.#rows.values()) {
      if (row.value === undefined) continue;
      row.samples.push(row.value);
      if (row.samples.length > SAMPLES) row.samples.shift();
    }
  }

  /** How many are in which state, and whether any is simulated. */
  count() {
    const counts = { live: 0, stale: 0, halted: 0, pending: 0, simulated: 0 };
    for (const { ticker } of this.#rows.values()) {
      counts[ticker.state] += 1;
      if (ticker.simulated) counts.simulated += 1;
    }
    return counts;
  }
}

/** The index before the exchanges it is made of. */
export function byExchange(a, b) {
  const first = (b.exchange === "index") - (a.exchange === "index");
  return first || (a.exchange > b.exchange) - (a.exchange < b.exchange);
}
