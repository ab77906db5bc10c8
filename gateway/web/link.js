// The page's connection: everything there is, or as much of it as the gateway grants.

import { connect } from "../client.js";

/** Twenty updates a second of each topic: more than anyone sees, less than the fastest send. */
const INTERVAL_MS = 50;
/** All tickers. */
const EVERYTHING = "ticker:*:*";
/** Subscriptions left for the panel: the symbol on every exchange, and its bars. Of a small grant
 * the half at most. */
const RESERVE = 40;
/** Who types has said what is searched for when nothing more comes for so long. */
const TYPED_MS = 300;
/** What a header can hold of a key. */
const PRINTABLE = /^[ -~]+$/;
/** Between two looks at the connection for the bar at the foot. */
const PING_MS = 5000;

export class Link {
  /** What is subscribed to topic by topic, where not everything is granted. */
  #chosen = new Set();
  /** Topics there are, where not everything is granted. */
  all = [];
  /** Whether everything is subscribed to. */
  isWhole = true;
  #max = Infinity;
  #query = () => true;
  #typed;

  constructor(handlers) {
    this.handlers = handlers;
  }

  /** Connects, once with each key. */
  start(token) {
    const { onTicker, onStatus, onBars, onMessage, onError } = this.handlers;
    this.feed?.close();
    this.token = token;
    [this.#chosen, this.all, this.isWhole] = [new Set(), [], true];
    const status = (it) => {
      if (it.state === "open") this.#choose(it.welcome).catch(() => {});
      onStatus(it);
    };
    const options = { topics: [EVERYTHING], intervalMs: INTERVAL_MS, pingMs: PING_MS, token };
    const heard = { onTicker, onStatus: status, onBars, onMessage, onError };
    this.feed = connect(new URL("ws", document.baseURI), { ...options, ...heard });
  }

  /** Where not everything is granted: what is searched for comes first. */
  search(finds) {
    this.#query = finds;
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => this.isWhole || this.#subscribe(), TYPED_MS);
  }

  /** Asks what there is, and takes it all if it may. */
  async #choose(welcome) {
    const granted = welcome.limits.max_topics || Infinity;
    this.#max = Math.max(1, granted - Math.min(RESERVE, Math.floor(granted / 2)));
    const all = await this.feed.topics(EVERYTHING);
    const isWhole = all.length <= this.#max;
    const isOther = isWhole !== this.isWhole;
    this.all = all;
    if (isOther) {
      this.isWhole = isWhole;
      if (isWhole) this.feed.subscribe([EVERYTHING], { intervalMs: INTERVAL_MS });
      else this.feed.unsubscribe([EVERYTHING]);
      if (isWhole) this.feed.unsubscribe([...this.#chosen]);
      this.#chosen.clear();
    }
    if (!isWhole) this.#subscribe();
    if (isOther) this.handlers.onGrant();
    this.handlers.onTopics(all);
  }

  #subscribe() {
    const found = this.all.filter(this.#query);
    const others = this.all.filter((topic) => !this.#query(topic));
    const wanted = new Set([...found, ...others].slice(0, this.#max));
    const gone = [...this.#chosen].filter((topic) => !wanted.has(topic));
    const news = [...wanted].filter((topic) => !this.#chosen.has(topic));
    if (gone.length) this.feed.unsubscribe(gone);
    if (news.length) this.feed.subscribe(news, { intervalMs: INTERVAL_MS });
    this.#chosen = wanted;
  }
}

/** Whether the gateway wants a key first, or another one: a socket that is refused cannot tell. */
export async function isLocked(key) {
  const url = new URL("v1/topics?limit=1", document.baseURI);
  const headers = new Headers();
  if (PRINTABLE.test(key ?? "")) headers.set("Authorization", `Bearer ${key}`);
  else if (key) url.searchParams.set("token", key);
  try {
    return (await fetch(url, { headers })).status === 401;
  } catch {
    return false;
  }
}
