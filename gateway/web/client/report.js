// @ts-check

/** Tells of a mistake in a callback without stopping what is under way. @param {unknown} error */
export function report(error) {
  // Browsers and Deno have a place for it; in Node it ends the program, as any uncaught error does.
  const place = /** @type {any} */ (globalThis).reportError;
  if (place) return place(error);
  setTimeout(() => {
    throw error;
  });
}
