// Shows both specifications: paths, messages and types, each with a place of its own to link to.

import { showMessages } from "./messages.js";
import { showPaths } from "./paths.js";
import { showType } from "./types.js";

async function load(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

async function show() {
  const [rest, socket] = await Promise.all([load("openapi.json"), load("asyncapi.json")]);
  const into = (id, children) => document.getElementById(id).append(...children);
  into("rest", showPaths(rest));
  into("server", showMessages(socket.operations.tell, socket));
  into("client", showMessages(socket.operations.ask, socket));
  const types = { ...socket.components.schemas, ...rest.components.schemas };
  const both = { components: { schemas: types } };
  into("types", Object.entries(types).map(([name, it]) => showType(name, it, both)));
  document.body.dataset.shown = "";
  // What the address names was not there when the page was opened.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

show().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The specifications cannot be shown: ${error.message}`;
  trouble.hidden = false;
});
