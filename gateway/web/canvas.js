// Canvases that are as sharp as the screen, in the colours of the page.

let colours = new Map();

/** Colours are read once a theme: asking for a style costs a layout. */
export function forgetColours() {
  colours = new Map();
}

/** A registered colour of tokens.css, as it is now. */
export function ink(canvas, name) {
  let colour = colours.get(name);
  if (!colour) {
    colour = getComputedStyle(canvas.ownerDocument.documentElement).getPropertyValue(name);
    colours.set(name, colour);
  }
  return colour;
}

const sizes = new WeakMap();
const watch = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    sizes.set(target, contentRect);
    target.dispatchEvent(new Event("fit"));
  }
});

/** The context in CSS pixels. The size is told by the browser, never asked for. */
export function fit(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: 0, height: 0 });
    watch.observe(canvas);
  }
  const { width, height } = sizes.get(canvas);
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}
