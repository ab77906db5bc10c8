// The page of the specifications in Chromium: node docs.js <address of a gateway>

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertAccessible, launch, open, picture } from "./lib/browser.js";

const [gateway] = process.argv.slice(2);
const browser = await launch();
after(() => browser.close());

const load = async (path) => (await fetch(new URL(path, gateway))).json();
const shown = (page) => page.locator("body[data-shown]").waitFor();

test("everything that is specified is shown, and nothing is asked of others", async () => {
  const { page, seen } = await open(browser, new URL("docs", gateway).href);
  await shown(page);
  const [rest, socket] = await Promise.all([load("openapi.json"), load("asyncapi.json")]);
  const ids = [
    ...Object.keys(rest.paths),
    ...Object.keys(socket.components.messages).map((name) => `message-${name}`),
    ...[rest, socket].flatMap((it) => Object.keys(it.components.schemas).map((name) => `type-${name}`)),
  ];
  const missing = await page.evaluate((all) => all.filter((id) => !document.getElementById(id)), ids);
  assert.deepEqual(missing, []);
  const broken = await page.evaluate(() => [...document.querySelectorAll("main a[href^='#']")]
    .filter((it) => !document.getElementById(it.hash.slice(1))).map((it) => it.hash));
  assert.deepEqual(broken, [], "links lead somewhere");
  const empty = await page.evaluate(() => document.body.innerText.match(/undefined|\[object|NaN/g));
  assert.equal(empty, null);
  assert.deepEqual(seen.complaints, []);
  const host = new URL(gateway).host;
  assert.deepEqual(seen.requests.filter((it) => new URL(it).host !== host), []);
});

test("its commands can be used as they are", async () => {
  const { page } = await open(browser, new URL("docs", gateway).href);
  await shown(page);
  const commands = await page.locator("pre", { hasText: /^curl / }).allTextContents();
  assert.ok(commands.length >= 10, `${commands.length}`);
  for (const command of commands) {
    const [, url] = /^curl -[sN] '(.*)'$/.exec(command);
    const answer = await fetch(url);
    await answer.body.cancel();
    assert.equal(answer.status, 200, command);
  }
});

test("it looks and reads well, wide and narrow, light and dark", async () => {
  const { page } = await open(browser, new URL("docs", gateway).href);
  await shown(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `docs-${colorScheme}`);
    // The page is long, and so is the search for faults: once wide, once narrow, each in other colours.
    if (colorScheme === "dark") await page.setViewportSize({ width: 390, height: 844 });
    await assertAccessible(page, colorScheme);
  }
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, "nothing to scroll sideways");
  await page.locator("#client").scrollIntoViewIfNeeded();
  await picture(page, "docs-phone");
});

test("without JavaScript the documents can be reached", async () => {
  const { page } = await open(browser, new URL("docs", gateway).href, { javaScriptEnabled: false });
  await page.locator("noscript p").waitFor();
  for (const path of ["openapi.json", "asyncapi.json"]) {
    assert.ok(await page.locator(`a[href="${path}"]`).isVisible());
  }
});
