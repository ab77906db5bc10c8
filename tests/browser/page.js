// The live page in Chromium: node page.js <page of a demo> <page of many topics>

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ask } from "./lib/ask.js";
import { assertAccessible, assertQuiet, launch, open, picture } from "./lib/browser.js";
import { eventually } from "./lib/wait.js";

const [demo, many] = process.argv.slice(2);
/** Eight symbols on six exchanges, and their index. */
const TOPICS = 56;
/** What a browser says itself of a socket that found nobody. */
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|Connection closed before/;

const browser = await launch();
after(() => browser.close());

const line = (page, topic) => page.locator(`.body .line[data-topic="${topic}"]`);
const text = (page, selector) => page.locator(selector).textContent();
const connected = (page) => page.locator("#bar[data-link=live]").waitFor();
const shown = (page) => page.locator(".body .line:visible").count();

/** Waits for the page to say how many topics it shows. */
const counts = (page, words) =>
  eventually(words, async () => (await text(page, "#count")) === words);

/** Gives a page an EventSource, as docs/protocol.md says how to use it. */
function streams() {
  window.streamed = { isOpen: false, tickers: 0, first: "" };
  const WAIT_MS = 300;
  let source, timer;
  window.listen = () => {
    const seen = [];
    source = new EventSource("v1/stream?topics=ticker:index:BTC-USDT");
    source.onopen = () => {
      seen.length = 0;
      window.streamed.isOpen = true;
    };
    source.onmessage = ({ data }) => {
      const { type, last_price } = JSON.parse(data);
      if (seen.length < 3) seen.push(type);
      window.streamed.first = String(seen);
      if (type === "ticker" && last_price) window.streamed.tickers += 1;
    };
    source.onerror = () => {
      window.streamed.isOpen = false;
      // It gives up when it is turned away, as by a gateway that has no prices yet.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(window.listen, WAIT_MS);
    };
  };
  window.hush = () => {
    clearTimeout(timer);
    source.close();
  };
}

test("prices move, and only from where the page came from", async (t) => {
  const opened = await open(browser, demo, {}, (page) => page.addInitScript(streams));
  const { page } = opened;
  await connected(page);
  await counts(page, `${TOPICS} topics`);
  const price = line(page, "ticker:binance:ADA-USDT").locator(".price");
  const before = await price.textContent();
  assert.match(before, /^0\.3\d+$/);
  await eventually("a price moves", async () => (await price.textContent()) !== before);
  await page.locator(".price[data-flash]").first().waitFor();
  assert.ok(await page.locator("#simulated").isVisible(), "simulated prices say so");
  assert.equal(await line(page, "ticker:index:ADA-USDT").locator(".tag").textContent(), "SIM");
  await eventually("a rate", async () => /^[1-9]\d*\/s$/.test(await text(page, "#rate")));
  await eventually("a round trip", async () => /ms/.test(await text(page, "#heartbeat")));
  assert.match(await text(page, "#server"), /^tickcast \d/);

  await t.test("a search finds by word, state and pattern", async () => {
    const search = page.locator("#search");
    for (const [query, words] of [
      ["sol", `7 of ${TOPICS} topics`],
      ["okx live", `8 of ${TOPICS} topics`],
      ["ticker:*:e*", `14 of ${TOPICS} topics`],
      ["A*-usdt kraken", `1 of ${TOPICS} topics`],
      ["no(such", `0 of ${TOPICS} topics`],
    ]) {
      await search.fill(query);
      await counts(page, words);
    }
    assert.match(await text(page, "#empty"), /Nothing matches/);
    await search.fill("");
    await counts(page, `${TOPICS} topics`);
  });

  await t.test("everything can be reached by keyboard", async () => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("sol");
    await counts(page, `7 of ${TOPICS} topics`);
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.evaluate(() => document.activeElement.id), "grid");
    for (const key of ["ArrowDown", "End", "Home", "ArrowDown"]) await page.keyboard.press(key);
    const active = await page.locator("#grid").getAttribute("aria-activedescendant");
    assert.equal(await page.locator(`#${active}`).getAttribute("data-topic"), "ticker:binance:SOL-USDT");
    await page.keyboard.press("Enter");
    await page.locator("#panel").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "panel-title");
    assert.match(page.url(), /#q=sol&topic=ticker:binance:SOL-USDT$/);
    await page.keyboard.press("Escape");
    await page.locator("#panel").waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "grid");
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await counts(page, `${TOPICS} topics`);
  });

  await t.test("a panel shows bars, course, and the exchanges beside the index", async () => {
    await page.locator("#search").fill("");
    await page.locator("[data-sort=exchange]").click();
    await line(page, "ticker:index:BTC-USDT").click();
    await page.locator(".readout", { hasText: / C\s\d/ }).waitFor();
    const rows = page.locator(".venues tbody tr");
    await eventually("all exchanges", async () => (await rows.count()) === 7);
    assert.match(await rows.nth(0).textContent(), /^index/);
    await eventually("deviations", async () =>
      (await rows.allTextContents()).slice(1).every((row) => /[+−]?0\.\d{3} %/.test(row)));
    await page.locator(".intervals").getByText("5m", { exact: true }).click();
    assert.equal(await page.locator(".intervals [aria-pressed=true]").textContent(), "5m");
    await page.locator(".readout", { hasText: / C\s\d/ }).waitFor();
    await page.locator(".plot").focus();
    await page.keyboard.press("ArrowLeft");
    await eventually("a bar is read out", async () =>
      / O\s\d/.test(await page.locator(".plot").getAttribute("aria-label")));
    await rows.getByText("okx", { exact: true }).click();
    await eventually("another exchange", async () => (await text(page, ".panel .exchange")) === "okx");
    assert.match(page.url(), /topic=ticker:okx:BTC-USDT$/);
  });

  await t.test("an address leads to its topic, again and for others", async () => {
    const isThere = () => Promise.all([
      page.locator("#panel-title", { hasText: "BTC-USDT" }).waitFor(),
      page.locator(".panel .exchange", { hasText: "okx" }).waitFor(),
      page.locator(".readout", { hasText: / C\s\d/ }).waitFor(),
    ]);
    await page.locator("#search").fill("kraken");
    await counts(page, `8 of ${TOPICS} topics`);
    await page.reload();
    await isThere();
    await counts(page, `8 of ${TOPICS} topics`);
    const { page: other } = await open(browser, page.url());
    await other.locator("#panel-title", { hasText: "BTC-USDT" }).waitFor();
    await other.context().close();
    await page.locator(".facts .topic").click();
    await page.locator(".facts .said", { hasText: /copied|marked/ }).waitFor();
  });

  await t.test("it looks and reads well, wide and narrow, light and dark", async () => {
    await page.locator("#search").fill("");
    await page.emulateMedia({ colorScheme: "light" });
    await assertAccessible(page, "light, with a panel");
    await picture(page, "panel-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await assertAccessible(page, "dark, with a panel");
    await picture(page, "panel-dark");
    await page.locator(".shut").click();
    await picture(page, "wide-dark");
    await page.locator("#theme").click();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
    await picture(page, "wide-light");
    await page.setViewportSize({ width: 390, height: 844 });
    await assertAccessible(page, "a phone");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, 390, "nothing to scroll sideways");
    await picture(page, "phone-light");
    await page.locator("#grid").focus();
    for (const key of ["Home", "Enter"]) await page.keyboard.press(key);
    await page.locator(".readout", { hasText: / C\s\d/ }).waitFor();
    assert.ok(await page.evaluate(() => document.getElementById("prices").inert));
    await picture(page, "phone-panel");
    await page.locator(".shut").click();
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  await t.test("a gateway that is gone cannot be overlooked, and is found again", async () => {
    await page.evaluate(() => window.listen());
    const streamed = () => page.evaluate(() => window.streamed);
    await eventually("a stream begins", async () => (await streamed()).tickers > 0);
    await ask("stop the gateway");
    await eventually("the stream ends", async () => !(await streamed()).isOpen);
    const { tickers } = await streamed();
    await page.locator("#lost").waitFor();
    const badge = page.locator(".body .line .badge").first();
    await eventually("no price is live", async () => (await badge.textContent()) === "offline");
    assert.match(await text(page, "#lost"), /no price below is live/);
    await eventually("it is said", async () => /connection/.test(await text(page, "#voice")));
    await assertAccessible(page, "without a connection");
    await picture(page, "offline");
    await ask("start the gateway");
    await connected(page);
    await page.locator("#lost").waitFor({ state: "hidden" });
    await eventually("prices are live", async () => (await badge.textContent()) === "live");
    await eventually("the stream, too", async () => (await streamed()).tickers > tickers);
    assert.equal((await streamed()).first, "welcome,subscribed,ticker");
    await page.evaluate(() => window.hush());
  });

  assertQuiet(opened, demo, REFUSED);
});

test("five hundred topics, of which only those in view are drawn", async (t) => {
  const opened = await open(browser, many, { colorScheme: "dark" });
  const { page } = opened;
  await connected(page);
  await counts(page, "500 topics");
  assert.equal(await page.locator("#grid").getAttribute("aria-rowcount"), "501");
  assert.ok((await shown(page)) < 50, `${await shown(page)} lines`);
  await page.locator("#grid").focus();
  await page.keyboard.press("End");
  await line(page, "ticker:kucoin:C499-USDT").waitFor();
  assert.ok((await shown(page)) < 50, `${await shown(page)} lines`);
  const price = line(page, "ticker:kucoin:C499-USDT").locator(".price");
  await eventually("its price", async () => (await price.textContent()) === "100.0");
  await ask("move the last one");
  await eventually("it moves", async () => (await price.textContent()) === "101.0");

  await t.test("a click opens the line under the pointer, wherever the table is", async () => {
    const grid = page.locator("#grid");
    await page.keyboard.press("Home");
    await line(page, "ticker:kucoin:C000-USDT").waitFor();
    const { x, y, height } = await grid.boundingBox();
    const [left, top] = [x + 60, y + height / 2];
    await page.mouse.move(left, top);
    for (let turn = 0; turn < 5; turn += 1) await page.mouse.wheel(0, 977);
    const at = () => page.evaluate(([left, top]) => {
      const { scrollTop } = document.getElementById("grid");
      return [scrollTop, document.elementFromPoint(left, top)?.closest(".line")?.dataset.topic];
    }, [left, top]);
    let before = [];
    await eventually("it has come to rest", async () => {
      const now = await at();
      const isAtRest = now[0] > 4000 && now[1] && String(now) === String(before);
      before = now;
      return isAtRest;
    });
    await page.mouse.click(left, top);
    const symbol = before[1].split(":")[2];
    assert.notEqual(symbol, "C000-USDT");
    await page.locator("#panel-title", { hasText: symbol }).waitFor();
    assert.equal((await at())[0], before[0], "the table stays where it was");
    assert.equal(await page.locator(".body [aria-selected=true]").getAttribute("data-topic"), before[1]);
    await page.keyboard.press("Escape");
    await grid.focus();
    await page.keyboard.press("End");
    await line(page, "ticker:kucoin:C499-USDT").waitFor();
  });

  await t.test("prices that are not live say so in words", async () => {
    await ask("stop the feed");
    const last = line(page, "ticker:kucoin:C499-USDT");
    await eventually("stale", async () => (await last.locator(".badge").textContent()) === "stale");
    assert.match(await last.getAttribute("class"), /stale/);
    await page.locator("#unwell", { hasText: "500 stale" }).waitFor();
    await assertAccessible(page, "stale");
    await picture(page, "stale-dark");
    await ask("start the feed");
    await eventually("live", async () => (await last.locator(".badge").textContent()) === "live");
    const halted = line(page, "ticker:kucoin:C000-USDT");
    await page.locator("#unwell", { hasText: "Of 500 prices: 1 halted." }).waitFor();
    await page.locator("#unwell button:visible").click();
    await eventually("halted", async () => (await halted.locator(".badge").textContent()) === "halted");
    await picture(page, "halted-dark");
  });

  assertQuiet(opened, many);
});

/** A gateway that accepts one key only, and grants few topics; with what it heard on each socket. */
function strict(gate) {
  return async (page) => {
    await page.route("**/v1/topics?*", (route) => {
      const isAccepted = route.request().headers().authorization === `Bearer ${gate.key}`;
      return isAccepted ? route.continue() : route.fulfill({ status: 401, body: "{}" });
    });
    await page.routeWebSocket(/\/ws$/, (socket) => {
      const server = socket.connectToServer();
      const heard = [];
      gate.sockets.push({ socket, heard });
      socket.onMessage((text) => {
        heard.push(JSON.parse(text));
        server.send(text);
      });
      server.onMessage((text) => socket.send(String(text).replace(/"max_topics":\d+/, `"max_topics":${gate.topics}`)));
    });
  };
}

test("a key is asked for until one is accepted, and a small grant is made use of", async (t) => {
  const gate = { key: "good", topics: 20, sockets: [] };
  const opened = await open(browser, demo, {}, strict(gate));
  const { page } = opened;
  const enter = async (key) => {
    await page.locator("#token").fill(key);
    await page.locator("#key button").click();
  };
  const said = (at) => gate.sockets[at].heard.filter((it) => it.op === "subscribe");
  await page.locator("#key").waitFor();
  await enter("bad/key");
  await page.locator("#refused", { hasText: "does not accept" }).waitFor();
  assert.equal(gate.sockets.length, 0);
  await assertAccessible(page, "a key that was refused");
  await picture(page, "key-refused");
  await enter("good");
  await page.locator("#key").waitFor({ state: "hidden" });
  await connected(page);
  await eventually("half of the grant", () => said(0).at(-1)?.topics.length === 10);

  await t.test("letters that follow each other are one search", async () => {
    const before = said(0).length;
    // In one go, which no load of the machine can draw out.
    await page.locator("#search").evaluate((input) => {
      for (const letter of "kraken sol") {
        input.value += letter;
        input.dispatchEvent(new Event("input"));
      }
    });
    await eventually("it is asked for", () => said(0).length > before);
    await page.locator("#search").press("Escape");
    assert.deepEqual(said(0).slice(before, before + 1).map((it) => it.topics), [["ticker:kraken:SOL-USDT"]]);
  });

  await t.test("another key shows what was open", async () => {
    const topic = "ticker:kraken:SOL-USDT";
    await page.evaluate((it) => (location.hash = `topic=${it}`), topic);
    await page.locator(".readout", { hasText: / C\s\d/ }).waitFor();
    gate.key = "better";
    await gate.sockets.at(-1).socket.close({ code: 4500, reason: "unauthorized" });
    await page.locator("#refused", { hasText: "any more" }).waitFor();
    await enter("better");
    await connected(page);
    const all = () => said(gate.sockets.length - 1).flatMap((it) => it.topics);
    await eventually("its bars and its exchanges", () =>
      ["kline:kraken:SOL-USDT:1m", "ticker:*:SOL-USDT"].every((it) => all().includes(it)));
    await eventually("few topics again", () => all().filter((it) => /^ticker:\w+:/.test(it)).length === 10);
    await page.locator(".readout", { hasText: / C\s\d/ }).waitFor();
  });

  assertQuiet(opened, demo, /401/);
});

test("the client works in a worker", async () => {
  // A document of the gateway without the page's policy, which lets no script of a test in.
  const { page, seen } = await open(browser, new URL("v1/topics?limit=1", demo).href);
  await page.evaluate((base) => {
    window.told = [];
    const script = `import { connect } from "${base}client.js";
      const onStatus = ({ state }) => postMessage(state);
      const onTicker = ({ last_price }) => postMessage(last_price);
      connect("${base}ws", { topics: ["ticker:index:BTC-USDT"], onStatus, onTicker });`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    window.worker = new Worker(url, { type: "module" });
    window.worker.onmessage = ({ data }) => window.told.push(data);
    window.worker.onerror = ({ message }) => window.told.push(`error: ${message}`);
  }, demo);
  const told = () => page.evaluate(() => window.told);
  await eventually("it is live", async () => (await told()).includes("live"));
  await eventually("prices move", async () => new Set((await told()).filter((it) => /^\d/.test(it))).size > 2);
  assert.deepEqual((await told()).filter((it) => /error/.test(it)), []);
  // Such a document has no icon.
  assert.deepEqual(seen.complaints.filter((text) => !/404/.test(text)), []);
});
