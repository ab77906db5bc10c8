// JSON Schema in the words of a reader.

/** What a reference stands for, and its name. */
function resolve(schema, document) {
  if (!schema.$ref) return { schema };
  const target = schema.$ref.split("/").at(-1);
  return { schema: document.components.schemas[target] ?? {}, target };
}

/** The keys of an object: name, schema and whether it is always there; those first that say what it is. */
export function fields(schema, document) {
  const whole = resolve(schema, document).schema;
  const required = new Set(whole.required ?? []);
  const own = Object.entries(whole.properties ?? {});
  const further = whole.$ref && whole.properties ? fields({ $ref: whole.$ref }, document) : [];
  const all = [...own.map(([name, it]) => ({ name, schema: it, required: required.has(name) })), ...further];
  const rank = (it) => ("const" in it.schema ? 0 : it.required ? 1 : 2);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** The values that a type may have, each with its meaning; none if there is no such list. */
export function choices(schema) {
  if (schema.enum) return schema.enum.map((value) => ({ value }));
  const all = (schema.oneOf ?? schema.anyOf ?? []).flatMap((it) => (it.enum ? choices(it) : it));
  if (!all.some((it) => "const" in it || "value" in it)) return [];
  return all.map((it) => ({ value: it.value ?? it.const ?? "…", description: it.description }));
}

/** A type in a word or two, and the name of the type that tells more. */
export function kind(schema, document) {
  if (schema === true) return { text: "anything" };
  if (schema.$ref) return { text: resolve(schema, document).target, target: resolve(schema, document).target };
  if ("const" in schema) return { text: JSON.stringify(schema.const) };
  const some = schema.anyOf ?? schema.oneOf;
  if (some) {
    const all = some.filter((it) => it.maxLength !== 0).map((it) => kind(it, document));
    return { text: all.map((it) => it.text).join(" or "), target: all.find((it) => it.target)?.target };
  }
  if (schema.enum) return { text: schema.enum.map((it) => JSON.stringify(it)).join(", ") };
  if (schema.type === "array") {
    const item = kind(schema.items ?? true, document);
    return { text: `list of ${item.text}`, target: item.target };
  }
  if (schema.additionalProperties?.$ref || schema.additionalProperties?.type) {
    const value = kind(schema.additionalProperties, document);
    return { text: `object of ${value.text} by name`, target: value.target };
  }
  const types = [schema.type ?? "anything"].flat().join(" or ");
  const { minimum, maximum } = schema;
  // Beyond that there is a bound of the number's type, which JavaScript could not even write.
  const isBounded = maximum !== undefined && maximum <= Number.MAX_SAFE_INTEGER;
  return { text: isBounded ? `${types}, ${minimum ?? 0} to ${maximum}` : types };
}
