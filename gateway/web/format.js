// How numbers and times are written. Prices stay the text that they came as.

/** What stands where there is no value. */
export const NOTHING = "–";

/** A price as it was written, or a dash. */
export function price(text) {
  return text ?? NOTHING;
}

/** A price's digits, and the zeros behind its last decimal that say nothing. */
export function split(text) {
  const zeros = text?.includes(".") ? text.match(/\.?0*$/)[0] : "";
  return [price(text).slice(0, price(text).length - zeros.length), zeros];
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

/** When a bar begins, in the reader's time zone; with the date where bars are long. */
export function moment(micros, isLong) {
  const parts = isLong ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, { ...parts, hourCycle: "h23" }).format(micros / 1000);
}
