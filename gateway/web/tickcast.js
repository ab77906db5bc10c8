// @ts-check
/**
 * Tickcast's client: newest prices over one WebSocket that comes back by itself.
 *
 *     import { connect } from "https://your.gateway/client.js";
 *     const feed = connect("wss://your.gateway/ws", { topics: ["BTC-USDT"] });
 *     for await (const ticker of feed) console.log(ticker.topic, ticker.last_price, ticker.state);
 *
 * One file without dependencies, for browsers, Node 22 and Deno. The types stand in client.d.ts.
 *
 * @typedef {typeof import("./tickcast.js")} Client
 * @typedef {import("./tickcast.js").Feed} Handle
 * @typedef {import("./tickcast.js").Ticker} Ticker
 * @typedef {import("./tickcast.js").Settings} Settings
 * @typedef {import("./tickcast.js").Options} Options
 * @typedef {import("./tickcast.js").Status} Status
 * @typedef {import("./tickcast.js").Welcome} Welcome
 */

import { Clock } from "./client/clock.js";
import { Mailbox } from "./client/mailbox.js";
import { Pace } from "./client/pace.js";
import { Pulse } from "./client/pulse.js";
import { comesBack, waitBefore } from "./client/reconnect.js";
import { report } from "./client/report.js";
import { covers } from "./client/topics.js";

/** A connection that lasted for so long was a good one: waits begin anew after it. */
const STABLE_MS = 5_000;
/** Topics named in one message: some 10 KiB, and the server reads 64 KiB at most. */
const TOPICS_PER_MESSAGE = 250;
/** Values that one message says we have: some 35 KiB; the others come once more. */
const HELD_PER_MESSAGE = 400;
/** Closed because the token is over: another one opens the door again. */
const TOKEN_EXPIRED = 4003;
/** What browsers report when a connection ends without a word. */
const ABNORMAL = 1006;

/**
 * Connects, and stays connected until told otherwise.
 *
 * @type {Client["connect"]}
 */
export function connect(url, options = {}) {
  return new Feed(address(url), options);
}

/** @param {string | URL} url @returns {URL} */
function address(url) {
  const base = /** @type {any} */ (globalThis).location?.href;
  const full = new URL(url, base);
  full.protocol = full.protocol.replace(/^http/, "ws");
  full.hash = "";
  return full;
}

/** A connection that outlives its sockets. @implements {Handle} */
class Feed {
  /** What is wanted, as it was written. @type {Map<string, Settings>} */
  #wanted = new Map();
  /** @type {Map<string, Ticker>} */
  #latest = new Map();
  /** @type {Map<string, string>} */
  #aliases = new Map();
  /** @type {Set<Mailbox>} */
  #mailboxes = new Set();
  /** Questions without an answer yet. @type {Map<string, (message: any) => void>} */
  #asked = new Map();
  /** Subscriptions whose values have not all come. @type {Set<string>} */
  #unsynced = new Set();
  #clock = new Clock();
  /** @type {Status} */
  #status = { state: "connecting", attempt: 0 };
  /** @type {any} */ #socket;
  /** @type {any} */ #closing;
  /** @type {Pulse} */ #pulse = new Pulse(Date.now());
  /** @type {Pace | undefined} */ #pace;
  /** @type {any} */ #redial;
  /** @type {any} */ #looking;
  #attempt = 0;
  #opened = 0;
  #ids = 0;
  #release = () => {};

  /** @param {URL} url @param {Options} options */
  constructor(url, options) {
    this.url = url;
    this.options = options;
    for (const topic of options.topics ?? []) this.#wanted.set(topic, options);
    if (options.onTicker) this.#mailboxes.add(new Mailbox(options.onTicker));
    const abort = () => this.#finish(1000, "aborted");
    const online = () => this.#status.state === "waiting" && this.#dial();
    options.signal?.addEventListener("abort", abort);
    // Only browsers know this event.
    const world = /** @type {any} */ (globalThis);
    world.addEventListener?.("online", online);
    this.#release = () => {
      options.signal?.removeEventListener("abort", abort);
      world.removeEventListener?.("online", online);
    };
    // Not before the caller holds what is being connected.
    queueMicrotask(() => (options.signal?.aborted ? abort() : this.#dial()));
  }

  get status() {
    return this.#status;
  }

  get latencyMs() {
    return this.#clock.trip;
  }

  now() {
    return this.#clock.now();
  }

  /** @param {string} topic */
  latest(topic) {
    return this.#latest.get(this.#aliases.get(topic) ?? topic);
  }

  /** @param {string[]} topics @param {Settings} [settings] */
  subscribe(topics, settings = {}) {
    for (const topic of topics) this.#wanted.set(topic, settings);
    if (this.#pace) this.#ask(topics, settings);
  }

  /** @param {string[]} topics */
  unsubscribe(topics) {
    const gone = topics.includes("*") ? [...this.#wanted.keys()] : topics;
    for (const topic of gone) this.#wanted.delete(topic);
    const kept = [...this.#wanted.keys()].map((text) => this.#aliases.get(text) ?? text);
    for (const topic of this.#latest.keys()) {
      if (!kept.some((text) => covers(text, topic))) this.#latest.delete(topic);
    }
    if (topics.length) this.#pace?.send({ op: "unsubscribe", id: this.#id("u"), topics });
  }

  /** @param {string} [match] @returns {Promise<string[]>} */
  async topics(match) {
    const found = [];
    /** @type {any} */ let page = {};
    do {
      page = await this.#question({ op: "topics", match, limit: 1000, cursor: page.cursor });
      found.push(...page.topics);
    } while (page.cursor);
    return found;
  }

  close() {
    this.#finish(1000, "closed");
  }

  async *[Symbol.asyncIterator]() {
    const mailbox = new Mailbox();
    this.#mailboxes.add(mailbox);
    try {
      for (const ticker of this.#latest.values()) mailbox.put(ticker);
      while (this.#status.state !== "closed") {
        const ticker = mailbox.take();
        if (ticker) yield ticker;
        else await mailbox.change();
      }
    } finally {
      this.#mailboxes.delete(mailbox);
    }
  }

  /** @param {string} kind */
  #id(kind) {
    return `${kind}${++this.#ids}`;
  }

  /** @param {Status} status */
  #tell(status) {
    this.#status = status;
    this.#call(this.options.onStatus, status);
  }

  /** @param {any} callback @param {unknown} value */
  #call(callback, value) {
    try {
      callback?.(value);
    } catch (error) {
      report(error);
    }
  }

  async #dial() {
    clearTimeout(this.#redial);
    this.#tell({ state: "connecting", attempt: this.#attempt });
    const { token, pingMs, silenceMs } = this.options;
    try {
      const secret = typeof token === "function" ? await token() : token;
      if (this.#status.state !== "connecting" || this.#socket) return;
      const protocols = ["tickcast.v1.json", ...(secret ? [`tickcast.bearer.${secret}`] : [])];
      const socket = new WebSocket(this.url.href, protocols);
      this.#socket = socket;
      this.#pulse = new Pulse(Date.now(), pingMs, silenceMs);
      this.#looking = setInterval(() => this.#look(), this.#pulse.lookMs);
      socket.onmessage = ({ data }) => this.#hear(data);
      socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    } catch (error) {
      // An address or a token that no socket can be made of, or a token that could not be had.
      if (typeof token === "function") this.#lost(ABNORMAL, `no token: ${error}`);
      else this.#finish(ABNORMAL, String(error));
    }
  }

  #look() {
    const verdict = this.#pulse.look(Date.now());
    if (verdict === "dead") return this.#lost(ABNORMAL, "silence");
    if (verdict === "ping" && this.#pace) this.#ping();
  }

  #ping() {
    const sent = performance.now();
    const id = this.#id("p");
    this.#asked.set(id, ({ time }) => time && this.#clock.add(sent, performance.now(), time));
    // Past the queue: the question is how long the way is.
    this.#socket?.send(JSON.stringify({ op: "ping", id }));
  }

  /** @param {object} question @returns {Promise<any>} */
  #question(question) {
    return new Promise((resolve, reject) => {
      if (!this.#pace) return reject(new Error("not connected"));
      const id = this.#id("q");
      this.#asked.set(id, (answer) =>
        answer.type === "error" ? reject(new Error(answer.message)) : resolve(answer),
      );
      this.#pace.send({ ...question, id });
    });
  }

  /** Subscribes, and says which values are here already. @param {string[]} topics @param {Settings} settings */
  #ask(topics, settings) {
    const { intervalMs, minChangeBps, maxSilenceMs, history } = settings;
    const asked = {
      interval_ms: intervalMs,
      min_change_bps: minChangeBps,
      max_silence_ms: maxSilenceMs,
      history,
    };
    for (let at = 0; at < topics.length; at += TOPICS_PER_MESSAGE) {
      const some = topics.slice(at, at + TOPICS_PER_MESSAGE);
      const id = this.#id("s");
      this.#unsynced.add(id);
      this.#pace?.send({ op: "subscribe", id, topics: some, ...asked, since: this.#held(some) });
    }
  }

  /** Where values of these topics stand that are live as far as we know. @param {string[]} topics */
  #held(topics) {
    /** @type {Record<string, { epoch: number, seq: number }>} */
    const since = {};
    let left = HELD_PER_MESSAGE;
    const full = topics.map((text) => this.#aliases.get(text) ?? text);
    for (const { topic, state, epoch, seq } of this.#latest.values()) {
      if (left === 0) break;
      if (state !== "live" || !full.some((text) => covers(text, topic))) continue;
      since[topic] = { epoch, seq };
      left -= 1;
    }
    return left < HELD_PER_MESSAGE ? since : undefined;
  }

  /** @param {any} data */
  #hear(data) {
    this.#pulse.heard(Date.now());
    // Bare text, such as the answer to a bare ping, says no more than that.
    if (data[0] !== "{") return;
    const message = JSON.parse(data);
    if (message.type === "ticker") return this.#ticker(message);
    if (message.type === "kline" || message.type === "klines") {
      const bars = message.bars ?? [message.bar];
      return this.#call(this.options.onBars, { topic: message.topic, bars, isHistory: !message.bar });
    }
    this.#control(message);
    this.#call(this.options.onMessage, message);
  }

  /** @param {Ticker} ticker */
  #ticker(ticker) {
    const held = this.#latest.get(ticker.topic);
    // Another gateway may lag behind the one before; an equal pair says the same anew.
    if (held && (ticker.epoch - held.epoch || ticker.seq - held.seq) < 0) return;
    this.#latest.set(ticker.topic, ticker);
    for (const mailbox of this.#mailboxes) mailbox.put(ticker);
  }

  /** @param {any} message */
  #control(message) {
    const { type, id } = message;
    const answer = this.#asked.get(id);
    if (answer) {
      this.#asked.delete(id);
      answer(message);
    } else if (type === "error") {
      this.#synced(id);
      this.#call(this.options.onError, message);
    }
    if (type === "welcome") this.#welcome(message);
    if (type === "closing") this.#closing = message;
    if (type === "synced") this.#synced(id);
    if (type !== "subscribed") return;
    for (const [text, topic] of Object.entries(message.aliases)) this.#aliases.set(text, topic);
    for (const rejected of message.rejected) this.#call(this.options.onError, rejected);
  }

  /** @param {Welcome} welcome */
  #welcome(welcome) {
    this.#opened = Date.now();
    const socket = this.#socket;
    this.#pace = new Pace(welcome.limits, (text) => socket.send(text));
    this.#clock.forget();
    this.#tell({ state: "open", welcome });
    this.#ping();
    /** @type {Map<Settings, string[]>} */
    const groups = new Map();
    for (const [topic, settings] of this.#wanted) {
      groups.set(settings, [...(groups.get(settings) ?? []), topic]);
    }
    for (const [settings, topics] of groups) this.#ask(topics, settings);
  }

  /** @param {string} id */
  #synced(id) {
    if (!this.#unsynced.delete(id) || this.#unsynced.size || this.#status.state !== "open") return;
    this.#tell({ state: "live", welcome: this.#status.welcome });
  }

  /** The socket is gone, or as good as gone. @param {number} code @param {string} reason */
  #lost(code, reason) {
    const closing = this.#closing;
    this.#drop(code);
    if (this.#status.state === "closed") return;
    const renews = code === TOKEN_EXPIRED && typeof this.options.token === "function";
    const isWelcome = code === TOKEN_EXPIRED ? renews || !this.options.token : comesBack(code);
    if (!isWelcome || closing?.reconnect === false) return this.#finish(code, reason);
    if (this.#opened && Date.now() - this.#opened >= STABLE_MS) this.#attempt = 0;
    this.#opened = 0;
    const wait = waitBefore(closing?.reconnect_after_ms, this.#attempt, Math.random());
    this.#attempt += 1;
    this.#redial = setTimeout(() => this.#dial(), wait);
    this.#tell({ state: "waiting", code, reason, attempt: this.#attempt, retryInMs: Math.round(wait) });
  }

  /** @param {number} code @param {string} reason */
  #finish(code, reason) {
    if (this.#status.state === "closed") return;
    this.#release();
    clearTimeout(this.#redial);
    this.#drop(code);
    this.#tell({ state: "closed", code, reason });
    for (const mailbox of this.#mailboxes) mailbox.clear();
  }

  /** @param {number} code */
  #drop(code) {
    clearInterval(this.#looking);
    this.#pace?.stop();
    this.#pace = this.#closing = undefined;
    this.#unsynced.clear();
    const ended = { type: "error", message: "the connection ended" };
    for (const answer of this.#asked.values()) answer(ended);
    this.#asked.clear();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.onerror = () => {};
    // The code of a close that we begin; a socket that has ended takes no notice.
    socket.close(code === 1000 ? 1000 : undefined);
  }
}
