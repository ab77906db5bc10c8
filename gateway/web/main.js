// The live page: puts its parts together.

import { readAddress, writeAddress } from "./address.js";
import { Bar } from "./bar.js";
import { Book } from "./book.js";
import { Grid } from "./grid.js";
import { KeyForm } from "./key.js";
import { Link, isLocked } from "./link.js";
import { write } from "./line.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { compile } from "./search.js";
import { initTheme } from "./theme.js";
import { View } from "./view.js";
import { Voice } from "./voice.js";

const book = new Book();
const view = new View(book);
const voice = new Voice();
const bar = new Bar();
const search = document.getElementById("search");
const notices = new Notices({ voice, search: searchFor, connect: () => connect(link.token) });
const now = () => link.feed?.now() ?? Date.now();
const grid = new Grid(view, { open, now });
const panel = new Panel(book, { open, close, now, subscribe, unsubscribe, showing: () => link.isWhole });
const link = new Link({
  onTicker: ticker,
  onStatus: status,
  onTopics: topics,
  onBars: (bars) => panel.bars(bars),
  onMessage: message,
  onGrant: () => panel.renew(),
});
const form = new KeyForm(connect);
let isFresh = true;

initTheme(() => panel.repaint());
restore();
addEventListener("hashchange", restore);
document.addEventListener("keydown", shortcut);
search.addEventListener("input", () => searchFor(search.value));
document.getElementById("clear").addEventListener("click", clear);
setInterval(tick, 1000);
start();

async function start() {
  if (!(await isLocked())) return connect();
  bar.show({ state: "locked" });
  form.show();
  const empty = document.getElementById("empty");
  write(empty.firstElementChild, "Prices come when the gateway has been given a key.");
  document.getElementById("clear").hidden = true;
  empty.hidden = false;
}

function connect(key) {
  link.start(key);
  panel.renew();
}

function ticker(value) {
  bar.count(value, link.feed);
  if (book.put(value)) isFresh = true;
  grid.paint();
  panel.ticker(value);
}

function status(it) {
  bar.show(it);
  notices.link(it);
  const isLinked = it.state === "live";
  if (isLinked !== grid.isLinked) voice.say(isLinked ? "connected" : `connection: ${bar.sentence()}`);
  grid.isLinked = panel.isLinked = isLinked;
  grid.paint();
  panel.repaint();
  summary();
  if (isLinked) form.hide();
  // A socket that was refused ends like one that was cut.
  const isRefused = it.state === "waiting" && it.code === 1006 && link.token;
  if (isRefused || (it.state === "closed" && it.code !== 1000)) offerForm();
}

async function offerForm() {
  const key = link.token;
  if (await isLocked(key)) form.show(key && "The gateway does not accept the key any more.");
}

/** What the gateway has now; a topic that is gone leaves the table. */
function topics(all) {
  if (book.keep(all)) isFresh = true;
  summary();
}

function message(it) {
  if (it.type === "status" && it.scope !== "topic") voice.say(`${it.name || it.scope} is ${it.state}`);
}

function tick() {
  book.sample();
  if (isFresh || view.order === "change" || view.query) view.refresh();
  if (isFresh || view.order === "change" || view.query) grid.rearrange();
  isFresh = false;
  if (!link.feed) return;
  grid.tick();
  panel.tick();
  bar.tick(link.feed);
  summary();
}

function summary() {
  if (!link.feed) return;
  notices.tick(bar.sentence(), book.count());
  const [shown, all] = [view.rows.length, link.isWhole ? book.rows.length : link.all.length];
  const noun = all === 1 ? "topic" : "topics";
  write(document.getElementById("count"), shown === all ? `${all} ${noun}` : `${shown} of ${all} ${noun}`);
  const empty = document.getElementById("empty");
  empty.hidden = shown > 0;
  const none = view.query ? `Nothing matches “${view.query}”.` : notices.end === null ? "Waiting for the first prices…" : "No prices.";
  write(empty.firstElementChild, none);
  document.getElementById("clear").hidden = !view.query;
}

function searchFor(text) {
  if (search.value !== text) search.value = text;
  lookFor(text);
  grid.element.scrollTop = 0;
  grid.rearrange();
  summary();
  voice.say(`${view.rows.length} topics found`);
  remember();
}

function clear() {
  searchFor("");
  search.focus();
}

function lookFor(text) {
  view.search(text);
  const finds = compile(text);
  link.search((topic) => finds({ topic, symbol: topic.split(":")[2], exchange: topic.split(":")[1], ticker: { state: "" } }));
}

function open(topic) {
  grid.chosen = topic;
  panel.show(topic);
  grid.rearrange();
  remember();
}

function close() {
  const topic = grid.chosen;
  grid.chosen = null;
  grid.rearrange();
  remember();
  grid.focus(topic);
}

function subscribe(names, settings) {
  link.feed.subscribe(names, settings);
}

function unsubscribe(names) {
  link.feed.unsubscribe(names);
}

function remember() {
  writeAddress({ query: view.query, topic: grid.chosen });
}

/** What the address says, at the start and when someone changes it by hand. */
function restore() {
  const { query, topic } = readAddress();
  search.value = query;
  lookFor(query);
  grid.rearrange();
  // Its row may not have come yet.
  panel.wish(topic);
}

function shortcut(event) {
  const isTyping = event.target.closest?.("input");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "Escape") leave(event.target);
  if (event.key === "ArrowDown" && event.target === search) grid.element.focus();
}

/** Escape: out of the search into the table, or out of the panel. */
function leave(target) {
  if (target !== search) return panel.close();
  if (search.value) searchFor("");
  else grid.element.focus();
}
