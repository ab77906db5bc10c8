// Elements with text in them; text stays text.

/** An element with attributes and children. */
export function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** What somebody wrote, with `code` between backticks. */
export function prose(text = "") {
  return text.split("`").map((piece, at) => (at % 2 ? make("code", {}, piece) : piece));
}

/** A table with a line for each row; the first cell names it. Nothing if there is no row, and no column
 * in which nothing stands. */
export function table(caption, columns, lines) {
  if (lines.length === 0) return "";
  const isFilled = (_, at) => lines.some((line) => line[at] !== undefined && line[at] !== "");
  const heads = columns.filter(isFilled);
  const rows = lines.map((line) => line.filter(isFilled));
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, make("code", {}, name)),
      ...cells.map((cell) => make("td", {}, ...[cell].flat()))));
  const whole = make("table", { "aria-label": caption },
    make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, whole);
}

/** Lines to be copied as they are. */
export function sample(caption, text) {
  return make("pre", { tabindex: "0", role: "region", "aria-label": caption }, make("code", {}, text));
}

/** A part with a place of its own to link to. */
export function article(id, title, ...children) {
  return make("article", { id }, make("h3", {}, make("a", { href: `#${id}` }, title)), ...children);
}
