// Prices as lines in Node 22 or Deno, until Ctrl-C. It stays connected, whatever happens.
//
//   curl -sfo client.mjs http://127.0.0.1:8080/client.js    the gateway's client, once: one file
//   node watch.mjs BTC-USDT 'ticker:*:ETH-USDT'
//   deno run --allow-net --allow-env watch.mjs BTC-USDT
//
// Another gateway: TICKCAST_URL=wss://prices.example/ws; a key or token: TICKCAST_TOKEN.

import process from "node:process";
import { connect } from "./client.mjs";

const url = process.env.TICKCAST_URL ?? "ws://127.0.0.1:8080/ws";
const topics = process.argv.slice(2);
if (topics.length === 0) topics.push("BTC-USDT");
if (topics.some((topic) => topic.startsWith("-"))) {
  console.error("usage: node watch.mjs [TOPIC...]   (TICKCAST_URL, TICKCAST_TOKEN)");
  process.exit(2);
}

const feed = connect(url, {
  topics,
  intervalMs: 250, // at most four values a second of each topic, always the newest
  token: process.env.TICKCAST_TOKEN,
  onStatus: (status) => {
    if (status.state === "open") console.error(`connected to ${url}`);
    if (status.state === "waiting") {
      const seconds = (status.retryInMs / 1000).toFixed(1);
      const why = status.reason && `: ${status.reason}`;
      console.error(`no connection to ${url}${why}; trying again in ${seconds} s`);
    }
    if (status.state === "closed" && status.code !== 1000) {
      console.error(`closed for good: ${status.code} ${status.reason}`);
      process.exitCode = 1;
    }
  },
  onError: ({ topic, message }) => console.error(topic ? `${topic}: ${message}` : message),
});
process.once("SIGINT", () => feed.close()); // ends the loop below

for await (const ticker of feed) {
  // Only a `live` price is the market's present one.
  const simulated = ticker.simulated ? " SIMULATED" : "";
  const price = (ticker.last_price ?? "-").padStart(14);
  console.log(`${ticker.topic.padEnd(28)} ${price} ${ticker.state}${simulated}`);
}
