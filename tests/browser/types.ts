// Compiled only: what a program in TypeScript may write, and what it may not.

import { connect, type Feed, type Ticker } from "../../gateway/web/tickcast.js";

const abort = new AbortController();
const feed: Feed = connect("wss://prices.example/ws", {
  topics: ["BTC-USDT"],
  intervalMs: 100,
  minChangeBps: 5,
  signal: abort.signal,
  token: async () => "secret",
  onTicker: async (ticker: Ticker) => console.log(ticker.last_price?.length),
  onStatus: (status) => {
    if (status.state === "waiting") console.log(status.retryInMs);
    // @ts-expect-error: only a connection that was lost waits
    if (status.state === "live") console.log(status.retryInMs);
  },
});
feed.subscribe(["kline:kucoin:BTC-USDT:1m"], { history: 10 });
// @ts-expect-error: a misspelled setting
feed.subscribe(["ETH-USDT"], { intervalMS: 10 });
for await (const ticker of feed) {
  const state: "pending" | "live" | "stale" | "halted" = ticker.state;
  // @ts-expect-error: prices are text, not numbers
  const price: number = ticker.last_price;
  console.log(state, price, feed.latest(ticker.topic)?.sources?.[0]?.price);
}
