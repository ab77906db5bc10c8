// Signs what is published to sockudo: a plain POST /pub?topic=a comes in, the Pusher API's signed
// POST goes out. It stands for the backend that would sign in real use, and is not measured. GET
// /ready asks whether sockudo is up.
//
//   node publish.js HOST PORT SOCKUDO_PORT [PID]
//
// With a PID it ends when that process has.

"use strict";

const crypto = require("node:crypto");
const http = require("node:http");

const [host, port, sockudoPort, pid] = process.argv.slice(2);
// As in sockudo.toml.
const APP = { id: "tickcast", key: "tickcast", secret: "peer" };
const PATH = `/apps/${APP.id}/events`;
// How often it looks whether sockudo still runs, in milliseconds.
const LOOK_EVERY = 200;

const agent = new http.Agent({ keepAlive: true });

/** Path and query of a request as the Pusher HTTP API wants it signed. */
function signed(body, seconds) {
  const md5 = crypto.createHash("md5").update(body).digest("hex");
  const query =
    `auth_key=${APP.key}&auth_timestamp=${seconds}&auth_version=1.0&body_md5=${md5}`;
  const signature = crypto
    .createHmac("sha256", APP.secret)
    .update(`POST\n${PATH}\n${query}`)
    .digest("hex");
  return `${PATH}?${query}&auth_signature=${signature}`;
}

/** Asks sockudo, and answers with its status. */
function ask(method, path, body, response) {
  const answered = (status) => response.writeHead(status, { "content-length": 0 }).end();
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  http
    .request({ host, port: sockudoPort, path, method, agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => answered(answer.statusCode));
    })
    .on("error", () => answered(502))
    .end(body);
}

function publish(topic, payload, response) {
  const body = JSON.stringify({ name: "update", channel: topic, data: payload });
  ask("POST", signed(body, Math.floor(Date.now() / 1000)), body, response);
}

http
  .createServer((request, response) => {
    const url = new URL(request.url, "http://peer");
    if (url.pathname === "/ready") return ask("GET", `/up/${APP.id}`, "", response);
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () =>
      publish(url.searchParams.get("topic"), Buffer.concat(chunks).toString(), response),
    );
  })
  .listen({ host, port: Number(port) });

function watch() {
  try {
    process.kill(Number(pid), 0);
  } catch {
    process.exit(0);
  }
}
if (pid) setInterval(watch, LOOK_EVERY);
