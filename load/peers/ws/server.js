// ws on Node: publish by POST /pub?topic=a, subscribe by the message {"subscribe":"a"} on /sub. One
// process, one thread; the broadcast is the loop over `send` that ws's own examples show.
//
//   node server.js HOST PORT

"use strict";

const http = require("node:http");
// Put there by install.sh.
const { WebSocketServer } = require("../.install/npm/node_modules/ws");

const [host, port] = process.argv.slice(2);
// Node's default backlog of 511 is too little for a storm of thousands of dials.
const BACKLOG = 4096;

/** Subscribers of each topic. */
const topics = new Map();

function publish(topic, bytes) {
  for (const socket of topics.get(topic) ?? []) {
    // The same bytes for all, as text: a string would be encoded again for every client.
    socket.send(bytes, { binary: false });
  }
}

function accept(socket) {
  const mine = [];
  socket.on("message", (text) => {
    const topic = JSON.parse(text).subscribe;
    if (!topics.has(topic)) topics.set(topic, new Set());
    topics.get(topic).add(socket);
    mine.push(topic);
    socket.send(JSON.stringify({ subscribed: topic }));
  });
  socket.on("close", () => mine.forEach((topic) => topics.get(topic).delete(socket)));
  // A client's reset is told as an error before the close; there is nothing else to do about it.
  socket.on("error", () => {});
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://peer");
  if (url.pathname === "/pub" && request.method === "POST") {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      publish(url.searchParams.get("topic"), Buffer.concat(chunks));
      response.writeHead(204).end();
    });
  } else {
    response.writeHead(url.pathname === "/ready" ? 204 : 404).end();
  }
});

new WebSocketServer({ server, path: "/sub" }).on("connection", accept);
server.listen({ host, port: Number(port), backlog: BACKLOG });
