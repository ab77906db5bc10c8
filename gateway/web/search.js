// What a search finds: every word must be found in symbol, exchange or state.

/** A test of rows; it finds everything when nothing is searched for. */
export function compile(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).map(word);
  return (row) => {
    if (words.length === 0) return true;
    const fields = [row.symbol, row.exchange, row.ticker.state, row.topic];
    const known = fields.map((field) => field.toLowerCase());
    return words.every((finds) => known.some(finds));
  };
}

/** With `*` a word is the whole of a field, otherwise any part of symbol, exchange or state. */
function word(text) {
  if (!text.includes("*")) return (field) => !field.startsWith("ticker:") ? field.includes(text) : text.includes(":") && field.includes(text);
  const escaped = text.split("*").map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${escaped.join(".*")}$`);
  return (field) => pattern.test(field);
}
