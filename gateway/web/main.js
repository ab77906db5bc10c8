// The live page: puts its parts together.

import { readAddress, writeAddress } from "./address.js";
import { Bar } from "./bar.js";
import { Book } from "./book.js";
import { Grid } from "./grid.js";
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
const notices = new Notices({ voice, search: searchFor });
const now = () => link.feed?.now() ?? Date.now();
const grid = new Grid(view, { open, now });
const panel = new Panel(book, { open, close, now, subscribe, unsubscribe, showing: () => link.isWhole });
const link = new Link({
  onTicker: ticker,
  onStatus: status,
  onTopics: topics,
  onBars: (bars) => panel.bars(bars),
  onMessage: message,
});
let isFresh = true;

initTheme(() => panel.repaint());
restore();
addEventListener("hashchange", restore);
document.addEventListener("keydown", shortcut);
search.addEventListener("input", () => searchFor(search.value));
setInterval(tick, 1000);
start();

async function start() {
  const form = document.getElementById("key");
  if (!(await isLocked())) return link.start();
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.hidden = true;
    link.start(document.getElementById("token").value);
  });
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
  if (it.state === "closed" && [4003, 4500].includes(it.code)) document.getElementById("key").hidden = false;
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
  const none = view.query ? `Nothing matches “${view.query}”.` : "Waiting for the first prices…";
  write(empty, none);
}

function searchFor(text) {
  if (search.value !== text) search.value = text;
  view.search(text);
  grid.element.scrollTop = 0;
  grid.rearrange();
  const finds = compile(text);
  link.search((topic) => finds({ topic, symbol: topic.split(":")[2], exchange: topic.split(":")[1], ticker: { state: "" } }));
  summary();
  voice.say(`${view.rows.length} topics found`);
  remember();
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
  view.search(query);
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
