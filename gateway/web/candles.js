// Draws candles with their scales.

import { ink } from "./canvas.js";
import { decimals, moment } from "./format.js";

/** Room at the foot for times, and at both ends of the prices, in pixels. */
const FOOT = 22;
const EDGE = 10;
/** Times are written at most every so many pixels, prices at least. */
const TIME_EVERY = 90;
const PRICE_EVERY = 36;
/** Height of a label, in pixels. */
const LABEL = 18;
const FONT = "11px system-ui, sans-serif";

/** Draws bars, the newest at the right; `at` is the one pointed at, or −1. */
export function candles(drawing) {
  const { bars, height } = drawing;
  const prices = bars.map(({ open, high, low, close, complete }) => ({
    open: Number(open), high: Number(high), low: Number(low), close: Number(close), complete,
  }));
  const low = Math.min(...prices.map((bar) => bar.low));
  const high = Math.max(...prices.map((bar) => bar.high));
  const span = high - low || Math.abs(high) * 0.001 || 1;
  const room = height - FOOT - 2 * EDGE;
  const y = (value) => EDGE + ((high - value) / span) * room;
  const x = (index) => drawing.width - (bars.length - index - 0.5) * drawing.step;
  drawing.context.font = FONT;
  scale(drawing, { low: high - span, high, newest: prices.at(-1).close, y, rows: Math.max(2, Math.floor(room / PRICE_EVERY)) });
  times(drawing, x);
  prices.forEach((bar, index) => candle(drawing, bar, x(index), y));
  newest(drawing, prices.at(-1), bars.at(-1).close, y);
  if (drawing.at >= 0) cross(drawing, x(drawing.at), y(prices[drawing.at].close));
}

function candle({ canvas, context, step }, bar, x, y) {
  const isUp = bar.close >= bar.open;
  const wide = step - 3;
  context.fillStyle = context.strokeStyle = ink(canvas, isUp ? "--up" : "--down");
  // What was seen only in part is drawn paler.
  context.globalAlpha = bar.complete ? 1 : 0.55;
  context.fillRect(Math.round(x) - 0.5, y(bar.high), 1, Math.max(1, y(bar.low) - y(bar.high)));
  const top = y(Math.max(bar.open, bar.close));
  const tall = Math.max(1.5, Math.abs(y(bar.open) - y(bar.close)));
  context.fillRect(Math.round(x) - wide / 2, top, wide, tall);
  context.globalAlpha = 1;
}

/** Lines at round prices, and their numbers at the right. */
function scale({ canvas, context, width }, { low, high, newest, y, rows }) {
  const step = round((high - low) / rows);
  const places = -Math.floor(Math.log10(step));
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let price = Math.ceil(low / step) * step; price <= high; price += step) {
    context.fillStyle = ink(canvas, "--line");
    context.fillRect(0, Math.round(y(price)), width, 1);
    // The newest price has its own label there.
    if (Math.abs(y(price) - y(newest)) < LABEL) continue;
    context.fillStyle = ink(canvas, "--muted");
    context.fillText(decimals(price, places), width + 8, y(price));
  }
}

/** 1, 2 or 5 times a power of ten, not below the step asked for. */
function round(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((times) => times * power >= step) ?? 10);
}

function times({ canvas, context, bars, step, height, interval }, x) {
  const every = Math.ceil(TIME_EVERY / step);
  context.fillStyle = ink(canvas, "--muted");
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (let index = Math.max(0, bars.length - 1 - Math.floor(every / 2)); index >= 0; index -= every) {
    if (x(index) > 20) context.fillText(moment(bars[index].open_time, interval), x(index), height - 6);
  }
}

/** The last price across the whole drawing. */
function newest({ canvas, context, width }, bar, text, y) {
  const at = Math.round(y(bar.close)) + 0.5;
  const colour = ink(canvas, bar.close >= bar.open ? "--up" : "--down");
  context.strokeStyle = colour;
  context.setLineDash([3, 3]);
  line(context, 0, at, width, at);
  context.setLineDash([]);
  context.fillStyle = colour;
  context.fillRect(width, at - LABEL / 2, 74, LABEL);
  context.fillStyle = ink(canvas, "--surface");
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, width + 8, at + 0.5, 62);
}

function cross({ canvas, context, width, height }, x, y) {
  context.strokeStyle = ink(canvas, "--muted");
  context.setLineDash([2, 3]);
  line(context, Math.round(x) + 0.5, 0, Math.round(x) + 0.5, height - FOOT);
  line(context, 0, Math.round(y) + 0.5, width, Math.round(y) + 0.5);
  context.setLineDash([]);
}

function line(context, fromX, fromY, toX, toY) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
