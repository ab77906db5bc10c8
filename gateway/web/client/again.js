// @ts-check
/** @typedef {import("../tickcast.js").Settings} Settings */

/**
 * What is to be said again of commands that may have been ignored, as far as it is still meant.
 *
 * @param {any[]} commands @param {Map<string, Settings>} wanted What is wanted by now.
 * @returns {{ left: string[], asked: Map<string, Settings> }} What to leave first, and what to ask for then.
 */
export function remaining(commands, wanted) {
  const named = (/** @type {string} */ op) =>
    new Set(commands.filter((it) => it.op === op).flatMap((it) => it.topics));
  const left = named("unsubscribe");
  // Who leaves everything leaves also what was asked for since.
  const isAll = left.has("*");
  const again = isAll ? wanted.keys() : named("subscribe");
  /** @type {Map<string, Settings>} */
  const asked = new Map();
  for (const topic of again) {
    const settings = wanted.get(topic);
    if (settings) asked.set(topic, settings);
  }
  return { left: isAll ? ["*"] : [...left].filter((topic) => !wanted.has(topic)), asked };
}
