// The browser client as a gateway serves it, in Node: node client.js <gateway> <proxied ws> <closing ws>

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Pulse } from "../../gateway/web/client/pulse.js";
import { waitBefore } from "../../gateway/web/client/reconnect.js";
import { covers } from "../../gateway/web/client/topics.js";
import { ask } from "./lib/ask.js";
import { DEADLINE_MS, eventually } from "./lib/wait.js";

const [gateway, proxied, closing] = process.argv.slice(2);
const BTC = "ticker:kucoin:BTC-USDT";
const ETH = "ticker:kucoin:ETH-USDT";

const folder = await mkdtemp(join(tmpdir(), "tickcast-client-"));
const served = await fetch(`${gateway}/client.js`);
await writeFile(join(folder, "client.mjs"), await served.text());
const { connect } = await import(join(folder, "client.mjs"));
after(() => rm(folder, { recursive: true }));

/** A feed that is closed at the end of a test, with what it told. */
function open(t, url, options = {}) {
  const told = { statuses: [], tickers: [], errors: [], messages: [] };
  const feed = connect(url, {
    onStatus: (status) => told.statuses.push(status),
    onTicker: (ticker) => told.tickers.push(ticker),
    onError: (problem) => told.errors.push(problem),
    onMessage: (message) => told.messages.push(message),
    ...options,
  });
  t.after(() => feed.close());
  const state = (wanted) =>
    eventually(`${wanted} after ${JSON.stringify(told.statuses)}`, () =>
      told.statuses.find((status) => status.state === wanted));
  return { feed, told, state };
}

await ask("tick BTC-USDT 100");
await ask("tick ETH-USDT 10");
// Not before: what is to be awaited above must not be taken for the end of all tests.
await import("./parts.js");

test("it is served as a module with its types", async () => {
  assert.match(served.headers.get("content-type"), /^text\/javascript/);
  const types = await fetch(new URL(served.headers.get("x-typescript-types"), served.url));
  assert.match(await types.text(), /export function connect/);
});

test("values, settings, topics and the server's clock", async (t) => {
  const { feed, told, state } = open(t, `${gateway}/ws`, { topics: ["BTC-USDT", "NOPE-USDT"] });
  await state("live");
  assert.equal(feed.latest("BTC-USDT").last_price, "100");
  assert.equal(feed.latest(BTC).topic, BTC);
  await eventually("its ticker", () => told.tickers.some((it) => it.topic === BTC));
  assert.equal(told.errors[0].topic, "NOPE-USDT");
  assert.equal(told.errors[0].code, "unknown_topic");
  assert.deepEqual(await feed.topics("ticker:*:*"), [BTC, ETH]);
  await eventually("a round trip", () => feed.latencyMs !== null);
  assert.ok(Math.abs(feed.now() - Date.now()) < DEADLINE_MS);
  feed.subscribe(["ticker:*:ETH-USDT"], { intervalMs: 50 });
  await eventually("the other topic", () => feed.latest(ETH));
  const subscribed = told.messages.filter((it) => it.type === "subscribed").at(-1);
  assert.equal(subscribed.topics[0].interval_ms, 50);
  feed.unsubscribe(["ticker:*:ETH-USDT"]);
  await eventually("it is gone", () => told.messages.find((it) => it.type === "unsubscribed"));
  assert.equal(feed.latest(ETH), undefined);
  assert.equal(feed.latest("BTC-USDT").last_price, "100");
});

test("a consumer that is slow gets the newest value, not the missed ones", async (t) => {
  let go;
  const busy = new Promise((resolve) => (go = resolve));
  const got = [];
  const onTicker = (ticker) => {
    got.push(ticker.last_price);
    return got.length === 1 ? busy : undefined;
  };
  const { feed } = open(t, `${gateway}/ws`, { topics: ["BTC-USDT"], onTicker });
  await eventually("the first value", () => got.length === 1);
  const iterated = feed[Symbol.asyncIterator]();
  assert.equal((await iterated.next()).value.last_price, "100");
  for (const price of ["101", "102", "103"]) {
    await ask(`tick BTC-USDT ${price}`);
    await eventually(price, () => feed.latest(BTC).last_price === price);
  }
  assert.equal(got.length, 1);
  go();
  await eventually("the newest value", () => got.at(-1) === "103");
  assert.deepEqual(got, ["100", "103"]);
  assert.equal((await iterated.next()).value.last_price, "103");
  await iterated.return();
});

test("what throws in a callback stops nothing", async (t) => {
  const seen = [];
  // As browsers and Deno have it.
  globalThis.reportError = (error) => seen.push(error.message);
  t.after(() => delete globalThis.reportError);
  const onTicker = () => {
    throw new Error("a mistake of the page");
  };
  const { state } = open(t, `${gateway}/ws`, { topics: ["BTC-USDT"], onTicker });
  await state("live");
  await eventually("it is told", () => seen.includes("a mistake of the page"));
});

test("after a cut only what has moved is sent again", async (t) => {
  const { feed, told, state } = open(t, proxied, { topics: ["BTC-USDT", "ETH-USDT"] });
  await state("live");
  await eventually("both values", () => told.tickers.length === 2);
  await ask("cut");
  const lost = await state("waiting");
  assert.equal(lost.code, 1006);
  await ask("tick BTC-USDT 104");
  await ask("heal");
  const lives = () => told.statuses.filter((status) => status.state === "live").length === 2;
  await eventually("it is back", lives);
  await eventually("the missed value", () => told.tickers.at(-1).last_price === "104");
  assert.deepEqual(told.tickers.slice(2).map((it) => it.topic), [BTC]);
  assert.equal(feed.latest("ETH-USDT").last_price, "10");
});

test("silence is noticed", async (t) => {
  const { told, state } = open(t, proxied, { topics: ["BTC-USDT"], pingMs: 200, silenceMs: 1500 });
  await state("live");
  await ask("stall");
  const lost = await state("waiting");
  assert.equal(lost.reason, "silence");
  await ask("heal");
  const lives = () => told.statuses.filter((status) => status.state === "live").length === 2;
  await eventually("it is back", lives);
});

test("a gateway that restarts says when to come back", async (t) => {
  const { feed, told, state } = open(t, `${gateway}/ws`, { topics: ["BTC-USDT"] });
  await state("live");
  await ask("restart");
  const lost = await state("waiting");
  assert.equal(lost.code, 1012);
  const announced = told.messages.find((it) => it.type === "closing");
  assert.equal(lost.retryInMs, announced.reconnect_after_ms);
  const isBack = () => feed.status.state === "live" && feed.latest(BTC).state === "live";
  await eventually("it is back", isBack);
});

test("closing codes decide whether it comes back", async (t) => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 4003, 4500, 4999]) {
    const { feed, told, state } = open(t, `${closing}/${code}`, { token: "t" });
    const end = await state("closed");
    assert.deepEqual(end, { state: "closed", code, reason: "asked for" });
    assert.equal(feed.status, end);
    assert.ok(!told.statuses.some((status) => status.state === "waiting"), String(code));
  }
  for (const code of [1001, 1011, 1012, 1013, 4000, 4001, 4002, 4321]) {
    const { feed, state } = open(t, `${closing}/${code}`);
    assert.equal((await state("waiting")).code, code);
    feed.close();
  }
  const { state } = open(t, `${closing}/1013?65432`);
  assert.equal((await state("waiting")).retryInMs, 65432);
});

test("an expired token is replaced by a new one", async (t) => {
  let count = 0;
  const token = async () => `token-${++count}`;
  const { told } = open(t, `${closing}/4003`, { token });
  await eventually("a second token", () => count >= 2);
  assert.ok(told.statuses.some((status) => status.state === "waiting"));
});

test("a signal ends it, and whoever iterates", async (t) => {
  const abort = new AbortController();
  const { feed, state } = open(t, `${gateway}/ws`, { topics: [BTC], signal: abort.signal });
  await state("live");
  const seen = [];
  const iterated = (async () => {
    for await (const ticker of feed) seen.push(ticker);
  })();
  await eventually("a value", () => seen.length > 0);
  abort.abort();
  await iterated;
  assert.deepEqual(feed.status, { state: "closed", code: 1000, reason: "aborted" });
  const late = open(t, `${gateway}/ws`, { signal: abort.signal });
  assert.equal((await late.state("closed")).reason, "aborted");
  await assert.rejects(feed.topics(), /not connected/);
  assert.throws(() => connect("no address"), TypeError);
});

test("a pulse tells silence from sleep", () => {
  const pulse = new Pulse(0, 15_000, 30_000);
  pulse.heard(0);
  const seen = [];
  for (let now = 2500; now <= 30_000; now += 2500) seen.push(pulse.look(now));
  assert.deepEqual(seen.filter((it) => it !== "nothing"), ["ping", "dead"]);
  assert.equal(seen.at(-1), "dead");

  const slept = new Pulse(0, 15_000, 30_000);
  slept.heard(0);
  assert.equal(slept.look(3_600_000), "ping", "asks first");
  assert.equal(slept.look(3_602_500), "nothing");
  assert.equal(slept.look(3_605_000), "dead", "no answer after waking");
  const answered = new Pulse(0, 15_000, 30_000);
  answered.look(3_600_000);
  answered.heard(3_600_100);
  assert.equal(answered.look(3_605_000), "nothing");
  // A hidden page may look once a minute only.
  assert.equal(answered.look(3_665_000), "ping");
  answered.heard(3_665_100);
  assert.equal(answered.look(3_725_000), "ping");
  assert.equal(answered.look(3_785_000), "dead");
  assert.equal(new Pulse(0).look(-1), "ping", "a clock set back proves nothing");
});

test("waits grow, jitter is full, and what a server asks counts", () => {
  assert.equal(waitBefore(null, 0, 0), 0);
  assert.deepEqual([0, 1, 2, 9, 5000].map((attempt) => waitBefore(undefined, attempt, 1)), [
    1000, 2000, 4000, 30_000, 30_000,
  ]);
  assert.equal(waitBefore(3200, 0, 0.5), 3200);
  assert.equal(waitBefore(3200, 1, 0.5), 4200);
  assert.equal(waitBefore(1e12, 0, 1), 600_000);
});

test("patterns cover what the server says they do", () => {
  for (const [text, topic, wanted] of [
    [BTC, BTC, true],
    ["ticker:*:BTC-USDT", BTC, true],
    ["ticker:*:*", BTC, true],
    ["ticker:kucoin:*-USDT", BTC, true],
    ["ticker:kucoin:ETH-*", BTC, false],
    ["*-USDT", BTC, true],
    ["ticker:*:*", "kline:kucoin:BTC-USDT:1m", false],
    ["kline:*:BTC-USDT:1m", "kline:kucoin:BTC-USDT:1m", true],
    ["ETH-USDT", BTC, false],
  ]) {
    assert.equal(covers(text, topic), wanted, `${text} ${topic}`);
  }
});
