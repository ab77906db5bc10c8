// How the live page keeps up: 500 topics x 20 updates/s through exchange, feed and gateway into
// Chromium. node frames.js [folder of the programs] [updates per topic and second]

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { launch, open } from "./lib/browser.js";
import { eventually } from "./lib/wait.js";

const TOPICS = 500;
const SECONDS = 10;
const programs = resolve(process.argv[2] ?? join(import.meta.dirname, "../../target/release"));
const rate = Number(process.argv[3] ?? 20);

const symbols = Array.from({ length: TOPICS }, (_, at) => `C${String(at).padStart(3, "0")}-USDT`);
const folder = mkdtempSync(join(tmpdir(), "tickcast-frames-"));
const children = [];

/** Starts a program and waits for what it says of itself. */
function start(program, args, find) {
  const child = spawn(join(programs, program), args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return new Promise((found, failed) => {
    const said = [];
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on("line", (line) => {
        said.push(line);
        const it = find(line);
        if (it) found(it);
      });
    }
    child.on("error", failed);
    child.on("exit", () => failed(new Error(`${program} ended:\n${said.slice(-5).join("\n")}`)));
  });
}

async function serve() {
  const venueArgs = ["venue", "--exchange", "okx", "--symbols", symbols.join(","), "--rate", rate];
  const venue = await start("tickcast-load", [...venueArgs, "--listen", "127.0.0.1:0"], (line) =>
    line.match(/rest_url (\S+) ws_url (\S+)/));
  writeFileSync(join(folder, "tickcast.toml"), [
    "[feed]", "index = false", "klines = false",
    "[[feed.exchange]]", 'name = "okx"', `symbols = ${JSON.stringify(symbols)}`,
    `rest_url = "${venue[1]}"`, `ws_url = "${venue[2]}"`, "",
  ].join("\n"));
  const listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"];
  return start("tickcast", ["run", ...listen], (line) =>
    line.match(/gateway listens.*"address":"([^"]+)"/)?.[1] ?? line.match(/"address":"([^"]+)".*gateway listens/)?.[1]);
}

/** CPU seconds of the browser's processes by kind. */
async function cpu(session) {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter((it) => it.type === "renderer").reduce((sum, it) => sum + it.cpuTime, 0);
}

/** Counts frames and long tasks in the page. */
function watch() {
  const seen = { frames: [], long: [] };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.long.push(Math.round(duration));
  }).observe({ type: "longtask" });
  let last = performance.now();
  const next = (now) => {
    seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  window.seen = seen;
}

try {
  const address = await serve();
  const browser = await launch();
  const { page } = await open(browser, `http://${address}/`);
  const session = await browser.newBrowserCDPSession();
  await eventually("every topic", async () => /500 topics/.test(await page.textContent("#count")));
  await page.waitForTimeout(2000);
  const [before, rates] = [await cpu(session), []];
  await page.evaluate(watch);
  for (let second = 0; second < SECONDS; second += 1) {
    await page.waitForTimeout(1000);
    rates.push(parseInt(await page.textContent("#rate"), 10));
  }
  const { frames, long } = await page.evaluate(() => window.seen);
  const used = (await cpu(session)) - before;
  const took = frames.reduce((sum, it) => sum + it, 0);
  frames.sort((a, b) => a - b);
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))].toFixed(1);
  rates.sort((a, b) => a - b);
  console.log(`updates shown       ${rates[rates.length >> 1]}/s (offered ${TOPICS * rate}/s)`);
  console.log(`frames              ${(frames.length / took * 1000).toFixed(1)}/s`);
  console.log(`time between frames p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
  console.log(`tasks over 50 ms    ${long.length}${long.length ? ` (${long.join(", ")} ms)` : ""}`);
  console.log(`CPU of the page     ${(used / took * 100_000).toFixed(0)} % of a core`);
  console.log(`latency             ${await page.textContent("#latency")} from feed to page`);
  await browser.close();
} finally {
  for (const child of children) {
    child.removeAllListeners("exit");
    child.kill();
  }
  rmSync(folder, { recursive: true });
}
