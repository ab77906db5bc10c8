// One headless Chromium for all tests; every page is held to what no page may do.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { DEADLINE_MS } from "./wait.js";

/** Where a person can look at what the pages looked like. */
export const SCREENSHOTS = join(import.meta.dirname, "../../../target/screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser; without a sandbox, which root may not have. */
export async function launch() {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const options = { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] };
  return chromium.launch(options);
}

/** A page of its own context, with what it asked for and complained about. Before it is opened
 * `prepare` may put something between it and the gateway. */
export async function open(browser, url, options = {}, prepare = async (_page) => {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const seen = { requests: [], complaints: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("websocket", (socket) => seen.requests.push(socket.url()));
  page.on("pageerror", (error) => seen.complaints.push(error.stack));
  page.on("console", (line) => {
    if (["error", "warning"].includes(line.type())) seen.complaints.push(line.text());
  });
  await prepare(page);
  await page.goto(url);
  return { page, seen };
}

/** Nothing from another host, and no complaint but those expected. */
export function assertQuiet({ seen }, url, expected = /^$/) {
  const host = new URL(url).host;
  const foreign = seen.requests.filter((request) => new URL(request).host !== host);
  assert.deepEqual(foreign, [], "requests to another host");
  assert.deepEqual(seen.complaints.filter((text) => !expected.test(text)), []);
  assert.ok(seen.requests.some((request) => request.startsWith("ws")), "a socket");
}

/** No serious fault of accessibility. */
export async function assertAccessible(page, what) {
  // Through the debugger, where the page's policy has no say.
  await page.evaluate(`${AXE}; 0`);
  const faults = await page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const serious = violations.filter((it) => ["serious", "critical"].includes(it.impact));
    return serious.map((it) => `${it.id}: ${it.help}: ${it.nodes[0].html} ${it.nodes[0].failureSummary}`);
  });
  assert.deepEqual(faults, [], what);
}

/** A picture for people. */
export function picture(page, name) {
  return page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
