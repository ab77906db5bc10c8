// @ts-check
/** Names and patterns of topics. */
/** @typedef {import("../tickcast.js").Settings} Settings */
/** @typedef {import("../tickcast.js").Ticker} Ticker */

/** Topics named in one message: some 10 KiB, and the server reads 64 KiB at most. */
const TOPICS_PER_MESSAGE = 250;
/** Values that one message says we have: some 35 KiB; the others come once more. */
const HELD_PER_MESSAGE = 400;

/** Whether a topic is what was subscribed to, by name or by pattern. @param {string} text @param {string} topic */
export function covers(text, topic) {
  if (text === topic || text === "*") return true;
  const parts = topic.split(":");
  const wanted = text.split(":");
  if (wanted.length === 1) return text.includes("*") && parts.length === 3 && part(text, parts[2]);
  return wanted.length === parts.length && wanted.every((it, at) => part(it, parts[at]));
}

/** @param {string} wanted @param {string} is */
function part(wanted, is) {
  if (wanted.startsWith("*")) return is.endsWith(wanted.slice(1));
  if (wanted.endsWith("*")) return is.startsWith(wanted.slice(0, -1));
  return wanted === is;
}

/** Whether topics are among those subscribed to: names are looked up, only patterns are gone through. */
export class Cover {
  /** @type {Set<string>} */
  #names = new Set();
  /** @type {string[]} */
  #patterns = [];

  /** @param {Iterable<string>} texts Names in full, and patterns. */
  constructor(texts) {
    for (const text of texts) {
      if (text.includes("*")) this.#patterns.push(text);
      else this.#names.add(text);
    }
  }

  /** @param {string} topic */
  has(topic) {
    return this.#names.has(topic) || this.#patterns.some((text) => covers(text, topic));
  }
}

/**
 * Topics that are asked for in the same way, which is what one message can say.
 *
 * @param {Iterable<[string, Settings]>} wanted
 * @returns {{ asked: object, topics: string[] }[]} The settings as the server calls them.
 */
export function groups(wanted) {
  /** @type {Map<string, { asked: object, topics: string[] }>} */
  const found = new Map();
  for (const [topic, { intervalMs, minChangeBps, maxSilenceMs, history }] of wanted) {
    const asked = {
      interval_ms: intervalMs,
      min_change_bps: minChangeBps,
      max_silence_ms: maxSilenceMs,
      history,
    };
    const key = JSON.stringify(asked);
    const group = found.get(key) ?? { asked, topics: [] };
    group.topics.push(topic);
    found.set(key, group);
  }
  return [...found.values()];
}

/**
 * As many at a time as one message may name.
 *
 * @param {string[]} topics
 * @returns {string[][]}
 */
export function slices(topics) {
  const count = Math.ceil(topics.length / TOPICS_PER_MESSAGE);
  return Array.from({ length: count }, (_, at) =>
    topics.slice(at * TOPICS_PER_MESSAGE, (at + 1) * TOPICS_PER_MESSAGE),
  );
}

/** Where values of these topics stand that are live as far as we know. @param {Cover} asked @param {Iterable<Ticker>} latest */
export function held(asked, latest) {
  /** @type {Record<string, { epoch: number, seq: number }>} */
  const since = {};
  let left = HELD_PER_MESSAGE;
  for (const { topic, state, epoch, seq } of latest) {
    if (left === 0) break;
    if (state !== "live" || !asked.has(topic)) continue;
    since[topic] = { epoch, seq };
    left -= 1;
  }
  return left < HELD_PER_MESSAGE ? since : undefined;
}
