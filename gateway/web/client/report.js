// @ts-check

/** Tells of a mistake in a callback without stopping what is under way. @param {unknown} error */
export function report(error) {
  setTimeout(() => {
    throw error;
  });
}
