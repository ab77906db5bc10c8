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

import { remaining } from "./client/again.js";
import { Clock } from "./client/clock.js";
import { address, dialled } from "./client/dial.js";
import { Mailbox } from "./client/mailbox.js";
import { newest, unvouched } from "./client/newest.js";
import { Pace } from "./client/pace.js";
import { Pulse } from "./client/pulse.js";
import { comesBack, soonest, waitBefore } from "./client/reconnect.js";
import { report } from "./client/report.js";
import { Cover, groups, held, slices } from "./client/topics.js";

/** A connection that lasted for so long was a good one: waits begin anew after it. */
const STABLE_MS = 5_000;
/** Closed because the token is over: another one opens the door again. */
const TOKEN_EXPIRED = 4003;
/** When a command that was ignored is sent again, where the server does not say when it may be. */
const IGNORED_MS = 1_000;
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
  /** @type {any} */ #again;
  /** When the server wants us back at the earliest, and when we come. */
  #wait = { earliest: 0, planned: 0 };
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
    const online = () => this.#status.state === "waiting" && this.#hasten();
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
    if (this.#pace) this.#ask(topics.map((topic) => [topic, settings]));
  }

  /** @param {string[]} topics */
  unsubscribe(topics) {
    const gone = topics.includes("*") ? [...this.#wanted.keys()] : topics;
    for (const topic of gone) this.#wanted.delete(topic);
    const kept = this.#cover(this.#wanted.keys());
    for (const topic of this.#latest.keys()) if (!kept.has(topic)) this.#latest.delete(topic);
    this.#leave(topics);
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
      const socket = new WebSocket(...dialled(this.url, secret));
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
    this.#pace?.spend();
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

  /** Subscribes, and says which values are here already. @param {Iterable<[string, Settings]>} wanted */
  #ask(wanted) {
    for (const { asked, topics } of groups(wanted)) {
      for (const some of slices(topics)) {
        const id = this.#id("s");
        this.#unsynced.add(id);
        const since = held(this.#cover(some), this.#latest.values());
        this.#pace?.send({ op: "subscribe", id, topics: some, ...asked, since });
      }
    }
  }

  /** @param {string[]} topics */
  #leave(topics) {
    for (const some of slices(topics)) {
      this.#pace?.send({ op: "unsubscribe", id: this.#id("u"), topics: some });
    }
  }

  /** Sends again what the server took no notice of, as far as it is still meant. */
  #repeat() {
    const ignored = this.#pace?.takeUnheard() ?? [];
    for (const command of ignored) {
      this.#unsynced.delete(command.id);
      if (command.op === "topics") this.#pace?.send(command);
    }
    const { left, asked } = remaining(ignored, this.#wanted);
    this.#leave(left);
    this.#ask(asked);
    this.#settle();
  }

  /** @param {Iterable<string>} texts */
  #cover(texts) {
    return new Cover(Array.from(texts, (text) => this.#aliases.get(text) ?? text));
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
    const value = newest(this.#latest.get(ticker.topic), ticker);
    if (!value) return;
    this.#latest.set(value.topic, value);
    for (const mailbox of this.#mailboxes) mailbox.put(value);
  }

  /** @param {any} message */
  #control(message) {
    const { type, id } = message;
    const answer = this.#asked.get(id);
    this.#pace?.heard(id);
    if (answer) {
      this.#asked.delete(id);
      answer(message);
    } else if (type === "error") {
      this.#synced(id);
      if (message.code === "rate_limited" && id == null) this.#ignored(message.retry_after_ms);
      this.#call(this.options.onError, message);
    }
    if (type === "welcome") this.#welcome(message);
    if (type === "closing") this.#closing = message;
    if (type === "synced") this.#synced(id);
    if (type !== "subscribed") return;
    for (const [text, topic] of Object.entries(message.aliases)) this.#aliases.set(text, topic);
    for (const rejected of message.rejected) {
      const value = unvouched(this.latest(rejected.topic));
      if (value) this.#ticker(value);
      this.#call(this.options.onError, rejected);
    }
  }

  /** @param {Welcome} welcome */
  #welcome(welcome) {
    this.#opened = Date.now();
    const socket = this.#socket;
    this.#pace = new Pace(welcome.limits, (text) => socket.send(text));
    this.#clock.forget();
    this.#ping();
    this.#tell({ state: "open", welcome });
    this.#ask(this.#wanted);
  }

  /** Something was not looked at; nobody says what. @param {number | null} wait */
  #ignored(wait) {
    const pause = wait ?? IGNORED_MS;
    this.#pace?.hold(pause);
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#repeat(), pause);
  }

  /** @param {string} id */
  #synced(id) {
    if (this.#unsynced.delete(id)) this.#settle();
  }

  #settle() {
    if (this.#unsynced.size || this.#status.state !== "open") return;
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
    const asked = closing?.reconnect_after_ms;
    const wait = waitBefore(asked, this.#attempt, Math.random());
    const now = performance.now();
    this.#wait = { earliest: now + waitBefore(asked, 0, 0), planned: now + wait };
    this.#attempt += 1;
    this.#redial = setTimeout(() => this.#dial(), wait);
    this.#tell({ state: "waiting", code, reason, attempt: this.#attempt, retryInMs: Math.round(wait) });
  }

  /** There is a network again. */
  #hasten() {
    const now = performance.now();
    this.#wait.planned = soonest(now, this.#wait, Math.random());
    clearTimeout(this.#redial);
    this.#redial = setTimeout(() => this.#dial(), this.#wait.planned - now);
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
    clearTimeout(this.#again);
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
