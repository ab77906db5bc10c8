// Types and the keys of messages.

import { article, make, prose, table } from "./element.js";
import { choices, fields, kind } from "./schema.js";

/** The name of a type, which leads to it if it has a place. */
export function type(schema, document) {
  const { text, target } = kind(schema, document);
  return target ? make("a", { href: `#type-${target}` }, text) : text;
}

/** The keys of an object, one a line. */
export function keys(caption, schema, document) {
  const rows = fields(schema, document).map((it) => [it.name, type(it.schema, document),
    it.required ? "always" : "may be left out", prose(it.schema.description)]);
  return table(caption, ["key", "type", "there", "meaning"], rows);
}

/** A type that others refer to. */
export function showType(name, schema, document) {
  const values = choices(schema).map((it) => [String(it.value), prose(it.description)]);
  const own = schema.properties ? "" : kind({ ...schema, anyOf: undefined, oneOf: undefined }, document).text;
  return article(`type-${name}`, name, make("p", {}, ...prose(schema.description)),
    values.length > 0 ? table(`Values of ${name}`, ["value", "meaning"], values) : own,
    keys(`Keys of ${name}`, schema, document));
}
