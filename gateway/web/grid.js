// The table: as many lines as fit into view, drawn at animation frames, moved in by keyboard.

import { Line } from "./line.js";

/** Lines beyond each edge, so that scrolling finds them drawn. */
const BEYOND = 4;

export class Grid {
  #lines = [];
  #from = 0;
  #active = 0;
  #frame = 0;
  #isStale = true;
  #height = 42;
  isLinked = false;
  /** The topic whose panel is open. */
  chosen = null;

  constructor(view, { open, now }) {
    this.view = view;
    this.open = open;
    this.now = now;
    this.element = document.getElementById("grid");
    this.body = document.getElementById("body");
    this.element.addEventListener("scroll", () => this.#changed(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    // Pressing a line focuses the table, too: it must not scroll away under the pointer.
    this.element.addEventListener("focus", () => this.element.matches(":focus-visible") && this.#mark());
    this.body.addEventListener("click", (event) => this.#click(event));
    for (const button of this.element.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => this.#sort(button.dataset.sort));
    }
    new ResizeObserver(() => this.#changed()).observe(this.element);
    this.#sorted();
  }

  /** A value has changed: it is drawn with the next frame. */
  paint() {
    this.#frame ||= requestAnimationFrame((now) => this.#draw(now));
  }

  /** Rows came, went, or have another order. */
  rearrange() {
    this.#active = Math.min(this.#active, Math.max(0, this.view.rows.length - 1));
    this.#changed();
  }

  /** Once a second. */
  tick() {
    const now = this.now();
    for (const line of this.#shown()) line.tick(now);
  }

  /** Puts the focus on a topic's line, as after its panel was closed. */
  focus(topic) {
    const at = this.view.rows.findIndex((row) => row.topic === topic);
    if (at >= 0) this.#move(at);
    this.element.focus();
  }

  #changed() {
    this.#isStale = true;
    this.paint();
  }

  #draw(now) {
    this.#frame = 0;
    if (this.#isStale) this.#place();
    for (const line of this.#shown()) line.paint(now, this.isLinked);
  }

  #shown() {
    return this.#lines.filter((line) => !line.element.hidden);
  }

  /** Gives each row in view a line; lines are made when the view grows and kept. */
  #place() {
    this.#isStale = false;
    const { rows } = this.view;
    const style = getComputedStyle(this.element);
    this.#height = parseInt(style.getPropertyValue("--row"), 10);
    const { scrollTop, clientHeight } = this.element;
    const room = Math.ceil(clientHeight / this.#height) + 2 * BEYOND;
    const last = Math.max(0, rows.length - room);
    this.#from = Math.min(last, Math.max(0, Math.floor(scrollTop / this.#height) - BEYOND));
    this.body.style.height = `${rows.length * this.#height}px`;
    this.element.setAttribute("aria-rowcount", rows.length + 1);
    while (this.#lines.length < Math.min(room, rows.length)) {
      const line = new Line(`line-${this.#lines.length}`);
      this.#lines.push(line);
      this.body.append(line.element);
    }
    const now = this.now();
    for (const [at, line] of this.#lines.entries()) {
      // A row keeps its line while it is in view: each line has the rows with its remainder.
      const count = this.#lines.length;
      const index = this.#from + ((at - (this.#from % count) + count) % count);
      const row = index < this.#from + room ? rows[index] : undefined;
      line.element.hidden = !row;
      if (!row) continue;
      const isOther = line.row !== row;
      line.bind(row, index, this.#height);
      line.element.setAttribute("aria-selected", row.topic === this.chosen);
      line.isActive = index === this.#active;
      line.element.classList.toggle("active", line.isActive);
      if (line.isActive) this.element.setAttribute("aria-activedescendant", line.element.id);
      if (isOther) {
        line.paint(performance.now(), this.isLinked);
        line.tick(now);
      }
    }
    if (rows.length === 0) this.element.removeAttribute("aria-activedescendant");
  }

  #mark() {
    this.#move(this.#active);
  }

  #move(at) {
    this.#active = Math.max(0, Math.min(this.view.rows.length - 1, at));
    const top = this.#active * this.#height;
    const head = this.body.offsetTop;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    const bottom = top + this.#height + head;
    if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
    this.#place();
    this.paint();
  }

  #key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#height) - 2);
    const last = this.view.rows.length - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -last, End: last };
    const row = this.view.rows[this.#active];
    if (event.key in steps) this.#move(this.#active + steps[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && row) this.open(row.topic);
    else return;
    event.preventDefault();
  }

  #click(event) {
    const topic = event.target.closest(".line")?.dataset.topic;
    const at = this.view.rows.findIndex((row) => row.topic === topic);
    if (at < 0) return;
    this.#move(at);
    this.open(topic);
  }

  #sort(order) {
    this.view.sort(order);
    this.#sorted();
    this.element.scrollTop = 0;
    this.rearrange();
  }

  #sorted() {
    for (const button of this.element.querySelectorAll("[data-sort]")) {
      const direction = this.view.isDescending ? "descending" : "ascending";
      const isBy = button.dataset.sort === this.view.order;
      button.parentElement.setAttribute("aria-sort", isBy ? direction : "none");
    }
  }
}
