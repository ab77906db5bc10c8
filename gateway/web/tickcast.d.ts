/** Types of Tickcast's client. What the server's messages mean stands in its README. */

/**
 * `pending`: announced, nothing received yet. Only a `live` price is the market's present one.
 *
 * A value that was `live` is told once more as `stale` when the client comes back to a gateway that
 * has only an older one, or does not serve the topic: prices do not run backwards, and nobody stands
 * for that one any more. The next value that is not older replaces it.
 */
export type State = "pending" | "live" | "stale" | "halted";

/** A price as it was written: a decimal number in text, so that no digit is lost. */
export type Decimal = string;

/** Microseconds since 1970, by the server's clock. */
export type Micros = number;

/** The whole state of one topic, never a difference. */
export interface Ticker {
  type: "ticker";
  /** `ticker:<exchange>:<symbol>` */
  topic: string;
  exchange: string;
  symbol: string;
  last_price: Decimal | null;
  bid_price: Decimal | null;
  bid_qty: Decimal | null;
  ask_price: Decimal | null;
  ask_qty: Decimal | null;
  open_24h: Decimal | null;
  high_24h: Decimal | null;
  low_24h: Decimal | null;
  volume_24h: Decimal | null;
  quote_volume_24h: Decimal | null;
  state: State;
  source: "stream" | "poll";
  /** No market made this price. */
  simulated: boolean;
  exchange_ts: Micros | null;
  trade_ts: Micros | null;
  received_ts: Micros | null;
  published_ts: Micros;
  epoch: number;
  seq: number;
  /** Of an index: whose prices it is made of, */
  sources?: { exchange: string; price: Decimal; received_ts: Micros }[];
  /** and whose it leaves out. */
  excluded?: { exchange: string; reason: string }[];
}

/** What happened to a price in an interval. */
export interface Bar {
  open_time: Micros;
  close_time: Micros;
  open: Decimal;
  high: Decimal;
  low: Decimal;
  close: Decimal;
  /** Prices in it; 0 where the exchange made it. */
  ticks: number;
  /** Whether it is final. */
  closed: boolean;
  /** Whether the feed saw all of it. */
  complete: boolean;
  source: "ticker" | "venue";
}

/** Bars of one `kline` topic, oldest first. */
export interface Bars {
  topic: string;
  bars: Bar[];
  /** Past bars at the start of a subscription, or those that a slow client missed. */
  isHistory: boolean;
}

/** How often, and on which moves, topics are wanted. */
export interface Settings {
  /** At most one value a topic in that time, always the newest; 0: every update. */
  intervalMs?: number;
  /** Only when last, bid or ask moved that far. Not for bars. */
  minChangeBps?: number;
  /** What `minChangeBps` holds back comes after that time at the latest. */
  maxSilenceMs?: number;
  /** Past bars that come first, 0 to 500. Of bars only. */
  history?: number;
}

/** The first message of a connection. */
export interface Welcome {
  type: "welcome";
  protocol: string;
  server: string;
  version: string;
  connection_id: string;
  time: Micros;
  heartbeat_ms: number;
  limits: Record<string, number>;
  features: string[];
}

/** Where the connection stands. */
export type Status =
  /** A connection is being made. */
  | { state: "connecting"; attempt: number }
  /** There is one; values that were missed are on their way. */
  | { state: "open"; welcome: Welcome }
  /** There is one, and everything subscribed to is up to date. */
  | { state: "live"; welcome: Welcome }
  /** The connection was lost; another one is made after a wait. */
  | { state: "waiting"; code: number; reason: string; attempt: number; retryInMs: number }
  /** For good: closed, aborted, or the server does not want this client back. */
  | { state: "closed"; code: number; reason: string };

/** A topic that was not accepted, or a request that could not be served. */
export interface Problem {
  code: string;
  message: string;
  /** The topic as it was written. */
  topic?: string;
  field?: string | null;
  retry_after_ms?: number | null;
}

/** Any other message: `status`, `lagging`, `topics_added`, `subscribed`, `closing`, ... */
export interface ServerMessage {
  type: string;
  [key: string]: unknown;
}

export interface Options extends Settings {
  /** Topics and patterns: `BTC-USDT`, `ticker:*:BTC-USDT`, `kline:kucoin:BTC-USDT:1m`. */
  topics?: string[];
  /**
   * A key or token. A function is asked for a new one at every connection. It goes as a subprotocol;
   * one that cannot (RFC 9110, `tchar`) goes in the URL.
   */
  token?: string | (() => string | Promise<string>);
  /** Closes the feed. */
  signal?: AbortSignal;
  /** How often to ask for a sign of life; 15 000 unless given. */
  pingMs?: number;
  /** Silence after which another connection is made; 30 000 unless given. */
  silenceMs?: number;
  /** A value. While it runs, or its promise is pending, newer values replace those that wait. */
  onTicker?: (ticker: Ticker) => unknown;
  /** Bars; none is left out, however slow this is. */
  onBars?: (bars: Bars) => void;
  onStatus?: (status: Status) => void;
  onError?: (problem: Problem) => void;
  onMessage?: (message: ServerMessage) => void;
}

/** A connection that comes back by itself. Iterating yields newest values, as fast as they are taken. */
export interface Feed extends AsyncIterable<Ticker> {
  readonly status: Status;
  /** The last round trip; null before the first. */
  readonly latencyMs: number | null;
  /** Adds topics, or changes their settings. They are wanted until `unsubscribe`, whatever happens. */
  subscribe(topics: string[], settings?: Settings): void;
  /** Takes out what was subscribed to, as it was written; `["*"]`: everything. */
  unsubscribe(topics: string[]): void;
  /** The topics there are, or those that match. Fails without a connection. */
  topics(match?: string): Promise<string[]>;
  /** The newest value of a topic that is subscribed to. */
  latest(topic: string): Ticker | undefined;
  /** Milliseconds since 1970 by the server's clock. */
  now(): number;
  close(): void;
}

/**
 * Connects, and stays connected until told otherwise.
 *
 * @param url `wss://host/ws`; in a browser also relative to the page.
 * @throws TypeError when the address is none.
 */
export function connect(url: string | URL, options?: Options): Feed;
