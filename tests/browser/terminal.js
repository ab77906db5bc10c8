// A picture of a terminal: node terminal.js <its content as a web page>

import { pathToFileURL } from "node:url";
import { launch, picture } from "./lib/browser.js";

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 10, height: 10 } });
const page = await context.newPage();
await page.goto(pathToFileURL(process.argv[2]).href);
const { width, height } = await page.locator("pre").boundingBox();
await page.setViewportSize({ width: Math.ceil(width), height: Math.ceil(height) });
await picture(page, "terminal");
await browser.close();
