// What is searched for and open, kept in the address: a page can be sent to someone as it is.

/** Reads `#q=...&topic=...`. */
export function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  return { query: fields.get("q") ?? "", topic: fields.get("topic") };
}

/** Writes it, without a step in the history for each letter. */
export function writeAddress({ query, topic }) {
  const fields = new URLSearchParams();
  if (query) fields.set("q", query);
  if (topic) fields.set("topic", topic);
  // Colons and stars are allowed in a fragment and easier to read.
  const text = String(fields).replaceAll("%3A", ":").replaceAll("%2A", "*");
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
