// JSON Schema in the words of a reader.

/** What a reference stands for, and its name. */
function resolve(schema, document) {
  if (!schema.$ref) return { schema };
  const target = schema.$ref.split("/").at(-1);
  return { schema: document.components.schemas[target] ?? {}, target };
}

/** The keys of an object: name, schema and whether it is always there. */
export function fields(schema, document) {
  const whole = resolve(schema, document).schema;
  const required = new Set(whole.required ?? []);
  const own = Object.entries(whole.properties ?? {});
  const further = whole.$ref && whole.properties ? fields({ $ref: whole.$ref }, document) : [];
  return [...own.map(([name, it]) => ({ name, schema: it, required: required.has(name) })), ...further];
}

/** A type in a word or two, and the name of the type that tells more. */
export function kind(schema, document) {
  if (schema === true) return { text: "anything" };
  if (schema.$ref) return { text: resolve(schema, document).target, target: resolve(schema, document).target };
  if ("const" in schema) return { text: JSON.stringify(schema.const) };
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const all = choices.map((it) => kind(it, document));
    return { text: all.map((it) => it.text).join(" or "), target: all.find((it) => it.target)?.target };
  }
  if (schema.enum) return { text: schema.enum.map((it) => JSON.stringify(it)).join(", ") };
  if (schema.type === "array") {
    const item = kind(schema.items ?? true, document);
    return { text: `list of ${item.text}`, target: item.target };
  }
  const types = [schema.type ?? "anything"].flat().join(" or ");
  const { minimum, maximum } = schema;
  return { text: maximum === undefined ? types : `${types}, ${minimum ?? 0} to ${maximum}` };
}
