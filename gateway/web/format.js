// How numbers and times are written. Prices stay the text that they came as.

/** What stands where there is no value. */
export const NOTHING = "–";
/** Decimals of a price: some coins cost less than a millionth of a millionth. */
const MOST_DECIMALS = 20;
const DAY = { month: "short", day: "numeric" };
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** A price's digits, and the zeros behind its last decimal that say nothing. */
export function split(text) {
  const whole = text ?? NOTHING;
  const zeros = whole.includes(".") ? whole.match(/\.?0*$/)[0] : "";
  return [whole.slice(0, whole.length - zeros.length), zeros];
}

/** Decimals of a price that say something. */
export function places(text) {
  return split(text)[0].split(".")[1]?.length ?? 0;
}

/** A price with so many decimals, however many zeros its exchange writes; no digit is cut off. */
export function price(text, count = 0) {
  const [digits] = split(text);
  const missing = text == null ? 0 : count - places(digits);
  if (missing <= 0) return digits;
  return `${digits}${digits.includes(".") ? "" : "."}${"0".repeat(missing)}`;
}

/** Changes below the digits that are shown are none. */
const NO_CHANGE = 0.000_005;

/** Where a change leads: up, down or nowhere; with the words for it. */
export function course(change) {
  if (!(Math.abs(change) >= NO_CHANGE)) return ["", percent(change)];
  return change > 0 ? ["up", `▲ ${percent(change)}`] : ["down", `▼ ${percent(change)}`];
}

/** A ratio in percent with its sign, such as −0.12 %. */
export function percent(ratio, digits = 3) {
  if (!Number.isFinite(ratio)) return NOTHING;
  const size = Math.abs(ratio * 100).toFixed(digits);
  if (Number(size) === 0) return `${size} %`;
  return `${ratio < 0 ? "−" : "+"}${size} %`;
}

/** A duration in its largest unit. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return NOTHING;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A short time in milliseconds: finer where it is small. */
export function milliseconds(ms) {
  if (!Number.isFinite(ms)) return NOTHING;
  return ms < 9.95 ? `${Math.max(0, ms).toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** A quantity, shortened: 12.3k. */
export function quantity(text) {
  if (text == null) return NOTHING;
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(text);
}

/** A number that was made here, with at most so many decimals as the cheapest coins have. */
export function decimals(value, places) {
  return value.toFixed(Math.max(0, Math.min(MOST_DECIMALS, places)));
}

/** The middle of bid and ask, at most one digit longer than they are; the last price where there is none. */
export function middle({ middle: value, ticker: { bid_price: bid, ask_price: ask, last_price: last } }) {
  if (bid === null || ask === null) return price(last);
  return decimals(value, Math.max(places(bid), places(ask)) + 1);
}

/** Where the bar of a deviation is full: the smallest of these that has room for every live one. */
const SCALES = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
/** A scale is left for a smaller one when that is so many times smaller: it shall not flicker. */
const SMALLER = 4;

/** The scale for deviations, of which one is in use. */
export function scaleFor(deviations, used) {
  const widest = Math.max(0, ...deviations.map(Math.abs).filter(Number.isFinite));
  const wanted = SCALES.find((scale) => scale >= widest) ?? SCALES.at(-1);
  return wanted > used || wanted * SMALLER <= used ? wanted : used;
}

/** When a bar begins, as it is written below it: the day of long bars, the time of others. */
export function moment(micros, interval) {
  return write(micros, interval, ["4h", "1d"].includes(interval) ? DAY : TIME);
}

/** When a bar begins: the time, with the day where a screen of bars has several. */
export function wholeMoment(micros, interval) {
  if (interval === "1d") return write(micros, interval, DAY);
  return write(micros, interval, ["1h", "4h"].includes(interval) ? { ...DAY, ...TIME } : TIME);
}

/** In the reader's time zone; bars of a day are days of UTC. */
function write(micros, interval, parts) {
  const zone = interval === "1d" ? { timeZone: "UTC" } : {};
  return new Intl.DateTimeFormat(undefined, { ...parts, ...zone }).format(micros / 1000);
}
