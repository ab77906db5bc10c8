// What a program here cannot do itself, the test that started it does.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks for something and waits until it is done. */
export async function ask(what) {
  console.log(`ASK ${what}`);
  const { done } = await lines.next();
  if (done) throw new Error(`nobody answers: ${what}`);
}
