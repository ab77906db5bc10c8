// What can be asked over HTTP.

import { article, make, prose, sample, table } from "./element.js";
import { kind } from "./schema.js";
import { type } from "./types.js";

/** Operations by path: those for programs first. */
function operations(document) {
  const all = Object.entries(document.paths).map(([path, { get }]) => ({ path, ...get }));
  const order = document.tags.map((it) => it.name);
  return all.sort((a, b) => order.indexOf(a.tags[0]) - order.indexOf(b.tags[0]));
}

/** A command that asks for it, with what is needed and nothing else. */
function curl({ path, parameters, responses, security }, document) {
  let url = path;
  const query = [];
  for (const { name, in: place, required, example } of parameters) {
    if (place === "path") url = url.replace(`{${name}}`, example);
    else if (required) query.push(`${name}=${example}`);
  }
  if (query.length > 0) url += `?${query.join("&")}`;
  const isEndless = "text/event-stream" in responses[200].content;
  const isClosed = !(security ?? document.security).some((it) => Object.keys(it).length === 0);
  const key = isClosed && security === undefined ? "-H 'X-Api-Key: YOUR-KEY' " : "";
  return `curl ${isEndless ? "-N" : "-s"} ${key}'${new URL(`.${url}`, location.href)}'`;
}

/** What an answer is made of. */
function content(answer, document) {
  const [[media, { schema }]] = Object.entries(answer.content);
  return media === "application/json" ? type(schema, document) : media;
}

function rows(responses, document) {
  return Object.entries(responses).map(([status, it]) =>
    [status, prose(it.description), content(it, document), Object.keys(it.headers ?? {}).join(", ")]);
}

const HEADS = ["status", "when", "body", "header"];

function showPath(operation, common, document) {
  const { path, summary } = operation;
  const parameters = operation.parameters.map((it) => [it.name, kind(it.schema, document).text,
    it.required ? "needed" : "may be left out", prose(it.description), make("code", {}, String(it.example))]);
  const own = Object.entries(operation.responses).filter(([status]) => !common.includes(status));
  return article(path, `GET ${path}`, make("p", {}, summary),
    sample(`How to ask for ${path}`, curl(operation, document)),
    table(`Parameters of ${path}`, ["parameter", "type", "there", "meaning", "such as"], parameters),
    table(`Answers of ${path}`, HEADS, rows(Object.fromEntries(own), document)));
}

/** All paths; what each of them may answer stands once, at the end. */
export function showPaths(document) {
  const all = operations(document);
  const common = Object.keys(all[0].responses)
    .filter((status) => status !== "200" && all.every((it) => status in it.responses));
  const shared = Object.fromEntries(common.map((status) => [status, all[0].responses[status]]));
  return [...all.map((it) => showPath(it, common, document)),
    article("refusals", "Every path", make("p", {}, "may answer these as well:"),
      table("Answers of every path", HEADS, rows(shared, document)))];
}
