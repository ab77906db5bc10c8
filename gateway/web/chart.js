// Bars of a topic as candles: which interval, which bars, which one is pointed at.

import { Bars } from "./bars.js";
import { candles } from "./candles.js";
import { fit } from "./canvas.js";
import { wholeMoment } from "./format.js";
import { element, write } from "./line.js";

const INTERVALS = ["1m", "5m", "15m", "1h", "4h", "1d"];
/** Past bars that are asked for: more than fit on a wide screen. */
const HISTORY = 200;
/** Width of a candle with its gap, in pixels. */
const STEP = 9;
/** Room for the scale of prices, in pixels. */
const SCALE = 74;

export class Chart {
  #bars = new Bars();
  #topic = null;
  #frame = 0;
  /** How many bars from the newest one the reader points at; null: nowhere. */
  #pointed = null;
  #interval = "1m";

  constructor(page) {
    this.page = page;
    this.element = element("section", "chart", { "aria-label": "Bars" });
    this.readout = element("p", "readout");
    this.canvas = element("canvas", "", { "aria-hidden": "true" });
    this.plot = element("div", "plot", { role: "group", tabindex: "0", "aria-label": "Candles; the arrow keys point at single bars" });
    this.plot.append(this.canvas);
    this.empty = element("p", "none");
    this.empty.textContent = "No bars yet.";
    this.plot.append(this.empty);
    this.element.append(this.#intervals(), this.readout, this.plot);
    this.canvas.addEventListener("fit", () => this.repaint());
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.addEventListener("pointerleave", () => this.#pick(null));
    this.plot.addEventListener("blur", () => this.#pick(null));
    this.plot.addEventListener("keydown", (event) => this.#key(event));
  }

  show(row) {
    this.row = row;
    this.#subscribe();
  }

  leave() {
    if (this.#topic) this.page.unsubscribe([this.#topic]);
    this.#topic = null;
    this.#bars.clear();
    this.#pointed = null;
  }

  bars({ topic, bars }) {
    if (topic !== this.#topic) return;
    this.#bars.put(bars);
    this.repaint();
  }

  repaint() {
    if (this.#topic) this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Once a second: words for those who do not see the drawing. */
  tick() {
    const newest = this.#bars.sorted().at(-1);
    if (!newest) return;
    const label = `Candles of ${this.#interval}, newest closes at ${newest.close}; the arrow keys point at single bars`;
    if (this.plot.getAttribute("aria-label") !== label && document.activeElement !== this.plot) {
      this.plot.setAttribute("aria-label", label);
    }
  }

  #subscribe() {
    this.leave();
    const { exchange, symbol } = this.row;
    this.#topic = `kline:${exchange}:${symbol}:${this.#interval}`;
    this.page.subscribe([this.#topic], { history: HISTORY });
    this.repaint();
  }

  #draw() {
    this.#frame = 0;
    const all = this.#bars.sorted();
    const { context, width, height } = fit(this.canvas);
    const count = Math.max(1, Math.floor((width - SCALE) / STEP));
    const bars = all.slice(-count);
    this.empty.hidden = bars.length > 0;
    const at = this.#pointed === null ? -1 : Math.max(0, bars.length - 1 - this.#pointed);
    this.#read(bars[at] ?? bars.at(-1));
    context.clearRect(0, 0, width, height);
    if (!bars.length || !width) return;
    const size = { width: width - SCALE, height, step: STEP };
    candles({ canvas: this.canvas, context, ...size, bars, at, interval: this.#interval });
  }

  #read(bar) {
    if (!bar) return write(this.readout, "");
    const flag = bar.closed ? (bar.complete ? "" : " ·\u00a0seen in part") : " ·\u00a0open";
    const when = wholeMoment(bar.open_time, this.#interval);
    write(this.readout, `${when}  O\u00a0${bar.open}  H\u00a0${bar.high}  L\u00a0${bar.low}  C\u00a0${bar.close}${flag}`);
  }

  #point(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    this.#pick(Math.floor((left + width - SCALE - event.clientX) / STEP));
  }

  #pick(at) {
    this.#pointed = at === null ? null : Math.max(0, Math.min(this.#bars.size - 1, at));
    this.repaint();
  }

  #key(event) {
    const steps = { ArrowLeft: 1, ArrowRight: -1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.#pick(this.#pointed === null ? 0 : this.#pointed + steps[event.key]);
    // Said at once: the reader asked for it.
    requestAnimationFrame(() => this.plot.setAttribute("aria-label", this.readout.textContent));
  }

  #intervals() {
    const group = element("div", "intervals", { role: "group", "aria-label": "Length of a bar" });
    for (const interval of INTERVALS) {
      const button = element("button", "", { type: "button", "aria-pressed": interval === this.#interval });
      button.textContent = interval;
      button.addEventListener("click", () => {
        this.#interval = interval;
        for (const other of group.children) other.setAttribute("aria-pressed", other === button);
        this.#subscribe();
      });
      group.append(button);
    }
    return group;
  }
}
