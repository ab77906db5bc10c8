// Waiting for what must come true, with a deadline and never longer than needed.

/** How long anything may take on a loaded machine before it counts as broken. */
export const DEADLINE_MS = 20_000;

/** Waits until `look` finds something. */
export async function eventually(what, look) {
  const until = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
