// Bars of one topic, each in its newest form.

/** Bars that are kept: what a subscription may begin with at most. */
const KEPT = 500;

export class Bars {
  /** By the time they open at. */
  #known = new Map();

  put(bars) {
    for (const bar of bars) this.#known.set(bar.open_time, bar);
    if (this.#known.size <= KEPT) return;
    for (const { open_time: oldest } of this.sorted().slice(0, -KEPT)) this.#known.delete(oldest);
  }

  clear() {
    this.#known.clear();
  }

  get size() {
    return this.#known.size;
  }

  /** Oldest first. */
  sorted() {
    return [...this.#known.values()].sort((a, b) => a.open_time - b.open_time);
  }
}
