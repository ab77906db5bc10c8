// @ts-check
/** Names and patterns of topics. */

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
