// The page of docs/examples and the snippets for browsers: node examples.js <page> [<page of a snippet>...]

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ask } from "./lib/ask.js";
import { launch, open } from "./lib/browser.js";
import { eventually } from "./lib/wait.js";

const [example, ...snippets] = process.argv.slice(2);
/** What a browser says itself of a socket that found nobody. */
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|Connection closed before/;

const browser = await launch();
after(() => browser.close());

test("the page shows every exchange's price and comes back by itself", async () => {
  const { page, seen } = await open(browser, pathToFileURL(example).href);
  const rows = () => page.locator("#prices tr").allTextContents();
  const live = (row) => /^ticker:\w+:BTC-USDT[\d.]+livesimulated$/.test(row);
  const all = async () => (await rows()).filter(live).length === 7;
  await eventually("six exchanges and their index", all);
  const before = await rows();
  await eventually("prices move", async () => String(await rows()) !== String(before));
  await ask("restart the gateway");
  const after = await rows();
  await eventually("prices move again", async () => String(await rows()) !== String(after));
  await eventually("all are live again", all);
  assert.deepEqual(seen.complaints.filter((text) => !REFUSED.test(text)), []);
});

for (const snippet of snippets) {
  test(`${snippet} prints prices`, async () => {
    const printed = [];
    const { seen } = await open(browser, pathToFileURL(snippet).href, {}, async (page) => {
      page.on("console", (line) => printed.push(line.text()));
    });
    const priced = () => printed.filter((text) => text.includes("ticker:kucoin:BTC-USDT")).length > 1;
    await eventually("prices in the console", priced);
    assert.deepEqual(seen.complaints, []);
  });
}
