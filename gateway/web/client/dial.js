// @ts-check
/** Where a client dials, and what it shows there. */

/** What a subprotocol may consist of (`tchar`, RFC 9110 section 5.6.2); a key may have more. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** @param {string | URL} url In a browser also relative to the page. @returns {URL} */
export function address(url) {
  const base = /** @type {any} */ (globalThis).location?.href;
  const full = new URL(url, base);
  full.protocol = full.protocol.replace(/^http/, "ws");
  full.hash = "";
  return full;
}

/**
 * Where a connection is made, and which subprotocols it offers. Browsers let pages set no header, so
 * a secret stands among the subprotocols, where no log has it; one that cannot stand there stands in
 * the URL.
 *
 * @param {URL} url @param {string | undefined} secret
 * @returns {[string, string[]]}
 */
export function dialled(url, secret) {
  const protocols = ["tickcast.v1.json"];
  if (!secret) return [url.href, protocols];
  if (TOKEN.test(secret)) return [url.href, [...protocols, `tickcast.bearer.${secret}`]];
  const full = new URL(url);
  full.searchParams.set("token", secret);
  return [full.href, protocols];
}
