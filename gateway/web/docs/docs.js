// Shows both specifications: paths, messages and types, each with a place of its own to link to.

import { fields, kind } from "./schema.js";

/** An element with attributes and children; text stays text. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A table with a line for each row; the first cell names it. */
function table(caption, heads, rows) {
  if (rows.length === 0) return "";
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, make("code", {}, name)),
      ...cells.map((cell) => make("td", {}, cell))));
  const whole = make("table", { "aria-label": caption },
    make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, whole);
}

/** The keys of an object, one a line. */
function keys(caption, schema, document) {
  const rows = fields(schema, document).map((it) => [it.name, type(it.schema, document),
    it.required ? "always" : "may be left out", it.schema.description ?? ""]);
  return table(caption, ["key", "type", "there", "meaning"], rows);
}

/** The name of a type, which leads to it if it has a place. */
function type(schema, document) {
  const { text, target } = kind(schema, document);
  return target ? make("a", { href: `#type-${target}` }, text) : text;
}

function showPath(path, { get }, document) {
  const parameters = get.parameters.map((it) => [it.name, kind(it.schema, document).text,
    it.required ? "needed" : "may be left out", it.description]);
  const answers = Object.entries(get.responses).map(([status, it]) => {
    const schema = Object.values(it.content ?? {})[0]?.schema;
    return [status, it.description, schema ? type(schema, document) : ""];
  });
  return make("article", { id: path },
    make("h3", {}, `GET ${path}`), make("p", {}, get.summary),
    table(`Parameters of ${path}`, ["parameter", "type", "there", "meaning"], parameters),
    table(`Answers of ${path}`, ["status", "when", "type"], answers));
}

function showMessage(reference, document) {
  const name = reference.$ref.split("/").at(-1);
  const { payload, summary } = document.components.messages[name];
  return make("article", { id: `message-${name}` }, make("h3", {}, name.replace(/_request$/, "")),
    make("p", {}, summary ?? ""), keys(`Keys of ${name}`, payload, document));
}

function showType(name, schema, document) {
  const values = schema.enum ?? schema.oneOf?.map((it) => it.const).filter(Boolean) ?? [];
  return make("article", { id: `type-${name}` }, make("h3", {}, name),
    make("p", {}, schema.description ?? ""),
    values.length > 0 ? make("p", {}, `One of: ${values.join(", ")}`) : "",
    keys(`Keys of ${name}`, schema, document));
}

async function load(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

async function show() {
  const [rest, socket] = await Promise.all([load("openapi.json"), load("asyncapi.json")]);
  const into = (id, children) => document.getElementById(id).append(...children);
  into("rest", Object.entries(rest.paths).map(([path, it]) => showPath(path, it, rest)));
  into("server", socket.operations.tell.messages.map((it) => showMessage(it, socket)));
  into("client", socket.operations.ask.messages.map((it) => showMessage(it, socket)));
  const types = { ...socket.components.schemas, ...rest.components.schemas };
  const both = { components: { schemas: types } };
  into("types", Object.entries(types).map(([name, it]) => showType(name, it, both)));
  // What the address names was not there when the page was opened.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

show().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The specifications cannot be shown: ${error.message}`;
  trouble.hidden = false;
});
