// Parts of the browser client and of the page that need no gateway: node --test parts.js

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bars } from "../../gateway/web/bars.js";
import { remaining } from "../../gateway/web/client/again.js";
import { dialled } from "../../gateway/web/client/dial.js";
import { Pace } from "../../gateway/web/client/pace.js";
import { soonest } from "../../gateway/web/client/reconnect.js";
import { Cover, groups, slices } from "../../gateway/web/client/topics.js";
import { Row } from "../../gateway/web/book.js";
import { course, middle, moment, price, scaleFor, wholeMoment } from "../../gateway/web/format.js";
import { connect } from "../../gateway/web/tickcast.js";
import { eventually } from "./lib/wait.js";

const names = (count) => Array.from({ length: count }, (_, at) => `ticker:kucoin:C${at}-USDT`);
/** Many topics are handled in a blink even on a loaded machine; what was quadratic took a second. */
const BLINK_MS = 700;

/** A server that hears everything and says what it is told to: the socket of the next feeds. */
function server(t, limits = {}) {
  const sockets = [];
  const before = globalThis.WebSocket;
  globalThis.WebSocket = class {
    heard = [];
    made = performance.now();

    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
      queueMicrotask(() => this.say({ type: "welcome", limits }));
    }

    say(message) {
      this.onmessage?.({ data: JSON.stringify(message) });
    }

    send(text) {
      this.heard.push(JSON.parse(text));
    }

    close() {}
  };
  t.after(() => (globalThis.WebSocket = before));
  return sockets;
}

const said = (socket, op) => socket.heard.filter((it) => it.op === op);

/** A feed that is connected to such a server. */
async function open(t, options, limits) {
  const sockets = server(t, limits);
  const feed = connect("ws://gateway.example/ws", options);
  t.after(() => feed.close());
  await eventually("a socket", () => feed.status.state === "open");
  return { feed, sockets, socket: sockets[0] };
}

/** A live ticker. */
const ticker = (topic, seq = 1) => ({ type: "ticker", topic, state: "live", epoch: 1, seq });

test("names are looked up, patterns are tried", () => {
  const cover = new Cover(["ticker:kucoin:BTC-USDT", "ticker:*:ETH-USDT", "*-EUR"]);
  assert.deepEqual(
    ["ticker:kucoin:BTC-USDT", "ticker:okx:BTC-USDT", "ticker:okx:ETH-USDT", "ticker:okx:SOL-EUR"].map((it) => cover.has(it)),
    [true, false, true, true],
  );
  assert.ok(new Cover(["*"]).has("kline:kucoin:BTC-USDT:1m"));
});

test("what is asked for in the same way is one group, whoever asked", () => {
  const wanted = [["A", { intervalMs: 50 }], ["B", {}], ["C", { intervalMs: 50, topics: ["C"] }]];
  const found = groups(wanted).map(({ asked, topics }) => [asked.interval_ms, topics]);
  assert.deepEqual(found, [[50, ["A", "C"]], [undefined, ["B"]]]);
  assert.deepEqual(slices(names(501)).map((it) => it.length), [250, 250, 1]);
  assert.deepEqual(slices([]), []);
});

test("a thousand names cost nothing, and no message is too long", async (t) => {
  const { feed, socket } = await open(t, {});
  for (const name of names(1000)) feed.subscribe([name], { intervalMs: 50 });
  for (const name of names(1000)) socket.say(ticker(name));
  socket.heard.length = 0;
  const before = performance.now();
  socket.say({ type: "welcome", limits: {} });
  feed.unsubscribe(names(984));
  assert.ok(performance.now() - before < BLINK_MS, `${performance.now() - before} ms`);
  assert.deepEqual(said(socket, "subscribe").map((it) => it.topics.length), [250, 250, 250, 250]);
  assert.deepEqual(said(socket, "unsubscribe").map((it) => it.topics.length), [250, 250, 250, 234]);
  assert.equal(Object.keys(said(socket, "subscribe")[0].since).length, 250);
  assert.equal(feed.latest(names(984)[983]), undefined);
  assert.equal(feed.latest(names(985)[984]).seq, 1);
});

test("a ping waits for nobody, and others wait for it", async () => {
  const sent = [];
  const pace = new Pace({ commands_per_second: 20, command_burst: 4 }, (text) => sent.push(JSON.parse(text).id));
  pace.spend();
  pace.spend();
  pace.spend();
  const before = performance.now();
  pace.send({ id: "a" });
  assert.deepEqual(sent, []);
  await eventually("its turn", () => sent.length === 1);
  assert.ok(performance.now() - before > 80, "two twentieths of a second");
  pace.hold(200);
  const held = performance.now();
  for (const id of ["b", "c"]) pace.send({ id });
  await eventually("its turn", () => sent.length === 2);
  assert.ok(performance.now() - held > 190);
  await eventually("its turn", () => sent.length === 3);
  assert.ok(performance.now() - held > 280, "one after the pause, and half as fast");
  pace.heard("b");
  assert.deepEqual(pace.takeUnheard().map((it) => it.id), ["a", "c"]);
  assert.deepEqual(pace.takeUnheard(), []);
});

test("what was ignored is asked for again, as far as it is still wanted", async (t) => {
  const states = [];
  const options = { topics: ["A", "B"], onStatus: ({ state }) => states.push(state) };
  const limits = { commands_per_second: 1000, command_burst: 1000 };
  const { feed, socket } = await open(t, options, limits);
  const all = feed.topics();
  feed.subscribe(["C"]);
  feed.unsubscribe(["B"]);
  const [first, second] = said(socket, "subscribe");
  // Of these only the second was looked at, and is not done yet.
  socket.say({ type: "subscribed", id: second.id, topics: [], aliases: {}, patterns: [], rejected: [] });
  socket.heard.length = 0;
  socket.say({ type: "error", id: null, code: "rate_limited", message: "", field: null, retry_after_ms: 50 });
  await eventually("the others come again", () => socket.heard.length === 3);
  assert.deepEqual(said(socket, "subscribe").map((it) => it.topics), [["A"]]);
  assert.notEqual(said(socket, "subscribe")[0].id, first.id);
  assert.deepEqual(said(socket, "unsubscribe").map((it) => it.topics), [["B"]]);
  const [question] = said(socket, "topics");
  socket.say({ type: "topics", id: question.id, topics: ["A"], cursor: null });
  assert.deepEqual(await all, ["A"]);
  socket.say({ type: "synced", id: second.id });
  assert.equal(feed.status.state, "open");
  socket.say({ type: "synced", id: said(socket, "subscribe")[0].id });
  assert.deepEqual(states, ["connecting", "open", "live"]);
});

test("who left everything asks for what came after", () => {
  const wanted = new Map([["A", {}]]);
  const { left, asked } = remaining([{ op: "unsubscribe", topics: ["*"] }], wanted);
  assert.deepEqual([left, [...asked.keys()]], [["*"], ["A"]]);
  const again = remaining([{ op: "unsubscribe", topics: ["A"] }, { op: "subscribe", topics: ["B"] }], wanted);
  assert.deepEqual([again.left, again.asked.size], [[], 0]);
});

test("a key that cannot be a subprotocol stands in the URL", async (t) => {
  const url = new URL("ws://gateway.example/prefix/ws?interval_ms=5");
  const v1 = "tickcast.v1.json";
  assert.deepEqual(dialled(url, undefined), [url.href, [v1]]);
  assert.deepEqual(dialled(url, "a.b-c_d~1"), [url.href, [v1, "tickcast.bearer.a.b-c_d~1"]]);
  assert.deepEqual(dialled(url, "a+/b=="), [`${url.href}&token=a%2B%2Fb%3D%3D`, [v1]]);
  const { socket } = await open(t, { token: "schlüssel" });
  assert.equal(socket.url, "ws://gateway.example/ws?token=schl%C3%BCssel");
});

test("with a network again it comes back soon, but not before it may", () => {
  const wait = { earliest: 0, planned: 30_000 };
  assert.deepEqual([0, 0.5, 1].map((random) => soonest(5000, wait, random)), [5000, 5500, 6000]);
  assert.equal(soonest(5000, { earliest: 9000, planned: 9500 }, 0.5), 9000, "the server's wish");
  assert.equal(soonest(5000, { earliest: 0, planned: 5100 }, 0.5), 5100, "no later than planned");
});

test("the event of browsers that are online again brings a feed back", async (t) => {
  let online;
  globalThis.addEventListener = (_, listener) => (online = listener);
  globalThis.removeEventListener = () => {};
  t.after(() => ["add", "remove"].forEach((it) => delete globalThis[`${it}EventListener`]));
  const { feed, sockets, socket } = await open(t, {});
  const lose = (at, wait) => {
    at.say({ type: "closing", code: 1012, reason: "", reconnect: true, reconnect_after_ms: wait });
    at.onclose({ code: 1012, reason: "" });
  };
  const lost = performance.now();
  lose(socket, 100);
  online();
  assert.equal(feed.status.state, "waiting");
  await eventually("it is back", () => sockets.length === 2 && feed.status.state === "open");
  assert.ok(sockets[1].made - lost > 95, "it was asked to stay away for so long");
  // After a second loss the wait may be longer than asked for.
  lose(sockets[1], 0);
  online();
  await eventually("it is back", () => sockets.length === 3 && feed.status.state === "open");
});

test("what another gateway has not got yet is not live, and does not run backwards", async (t) => {
  const told = [];
  const onTicker = ({ topic, seq, state }) => told.push(`${topic} ${seq} ${state}`);
  const { feed, sockets, socket } = await open(t, { topics: ["A", "B", "C"], onTicker });
  const hears = async (at, message, wanted) => {
    told.length = 0;
    at.say(message);
    at.say(ticker("C", (seq += 1)));
    await eventually("what came after", () => told.at(-1) === `C ${seq} live`);
    assert.deepEqual(told.slice(0, -1), wanted);
  };
  let seq = 0;
  await hears(socket, ticker("A", 6), ["A 6 live"]);
  await hears(socket, ticker("B", 6), ["B 6 live"]);
  socket.say({ type: "closing", code: 1012, reason: "", reconnect: true, reconnect_after_ms: 0 });
  socket.onclose({ code: 1012, reason: "" });
  await eventually("it is back", () => sockets.length === 2 && feed.status.state === "open");
  const next = sockets[1];
  await hears(next, ticker("A", 4), ["A 6 stale"]);
  assert.deepEqual([feed.latest("A").seq, feed.latest("A").state], [6, "stale"]);
  await hears(next, ticker("A", 5), []);
  // The same value, and this gateway's word: then it is what it was.
  await hears(next, ticker("A", 6), ["A 6 live"]);
  await hears(next, { ...ticker("A", 5), state: "stale" }, ["A 6 stale"]);
  await hears(next, ticker("A", 7), ["A 7 live"]);
  const rejected = [{ topic: "B", code: "unknown_topic", message: "not here" }];
  await hears(next, { type: "subscribed", topics: [], aliases: {}, patterns: [], rejected }, ["B 6 stale"]);
});

test("days of UTC, and the day where bars are hours", () => {
  const midnight = Date.UTC(2026, 2, 5) * 1000;
  const days = ["America/Los_Angeles", "Pacific/Auckland"].map((zone) => {
    process.env.TZ = zone;
    return [moment(midnight, "1d"), wholeMoment(midnight, "1d")];
  });
  delete process.env.TZ;
  assert.deepEqual(days.flat().filter((it) => !/5/.test(it)), []);
  process.env.TZ = "UTC";
  assert.match(wholeMoment(midnight + 3_600_000_000, "1h"), /Mar.*5.*01:00/);
  assert.match(wholeMoment(midnight, "4h"), /Mar.*5.*00:00/);
  assert.equal(wholeMoment(midnight, "15m"), "00:00");
  assert.match(moment(midnight, "4h"), /Mar 5/);
  assert.equal(moment(midnight, "1h"), "00:00");
  delete process.env.TZ;
});

test("a middle of the cheapest coin, and of half a quote", () => {
  const row = (bid_price, ask_price, last_price) =>
    Object.assign(new Row({}), { ticker: { bid_price, ask_price, last_price }, value: Number(last_price) });
  assert.equal(middle(row("0.00000000012", "0.00000000013", "0.00000000012")), "0.000000000125");
  assert.equal(middle(row("67218.6", "67218.7", "67220")), "67218.65");
  assert.equal(middle(row("100", null, null)), "–");
  assert.equal(middle(row("100", null, "0.25")), "0.25");
  assert.equal(middle(row(null, null, null)), "–");
});

test("prices of a topic have as many decimals, and lose none", () => {
  const row = new Row({ topic: "t" });
  const drawn = (last_price, bid_price, ask_price) => {
    row.put({ state: "live", last_price, bid_price, ask_price });
    return row.prices();
  };
  assert.deepEqual(drawn("67001.80000000", "67001.75000000", "67002.00000000"), ["67001.80", "67001.75", "67002.00"]);
  assert.deepEqual(drawn("67001", null, "67002.1"), ["67001.00", "–", "67002.10"]);
  assert.deepEqual(drawn("67001.123", null, null), ["67001.123", "–", "–"]);
  assert.deepEqual(["100", "100.0", "0.10", "1000000"].map((text) => price(text)), ["100", "100", "0.1", "1000000"]);
});

test("a change that is not seen has no direction", () => {
  assert.deepEqual([0, 0.000004, -0.000004, NaN].map((it) => course(it)[0]), ["", "", "", ""]);
  assert.deepEqual([course(0.00001), course(-0.00001)], [["up", "▲ +0.001 %"], ["down", "▼ −0.001 %"]]);
});

test("deviations have a scale that fits, and does not flicker", () => {
  assert.equal(scaleFor([0.00011, -0.0003, NaN], 0.0002), 0.0005);
  assert.equal(scaleFor([0.0002], 0.0005), 0.0005, "too little smaller");
  assert.equal(scaleFor([0.00009], 0.0005), 0.0001);
  assert.equal(scaleFor([], 0.0001), 0.0001);
  assert.equal(scaleFor([7], 0.0001), 1);
});

test("only the newest bars are kept", () => {
  const bars = new Bars();
  const at = (open_time) => ({ open_time });
  bars.put(Array.from({ length: 500 }, (_, time) => at(time + 1)));
  bars.put([at(501), at(0), { ...at(501), closed: true }]);
  assert.equal(bars.size, 500);
  assert.deepEqual([bars.sorted()[0].open_time, bars.sorted().at(-1)], [2, { open_time: 501, closed: true }]);
});
