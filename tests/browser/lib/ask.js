// What a program here cannot do itself, the test that started it does.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
// The program ends when its tests have, whether or not somebody could still answer.
process.stdin.unref();

/** Asks for something and waits until it is done. */
export async function ask(what) {
  process.stdin.ref();
  console.log(`ASK ${what}`);
  const { done } = await lines.next();
  process.stdin.unref();
  if (done) throw new Error(`nobody answers: ${what}`);
}
