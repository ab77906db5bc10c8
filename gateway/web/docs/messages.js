// Messages of the WebSocket.

import { article, make, prose, sample } from "./element.js";
import { keys } from "./types.js";

function showMessage(reference, document) {
  const name = reference.$ref.split("/").at(-1);
  const { payload, summary, examples = [] } = document.components.messages[name];
  const title = name.replace(/_request$/, "").replace(/^bare_(.*)$/, "$1 (the word alone)");
  return article(`message-${name}`, title, make("p", {}, ...prose(summary)),
    ...examples.map((it) => sample(`A ${title}`, JSON.stringify(it.payload))),
    keys(`Keys of ${title}`, payload, document));
}

/** The messages of an operation. */
export function showMessages(operation, document) {
  return operation.messages.map((it) => showMessage(it, document));
}
