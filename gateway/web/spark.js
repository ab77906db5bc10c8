// A small line of recent prices.

import { fit, ink } from "./canvas.js";

/** Draws samples from left to right; the last one is marked. */
export function drawSpark(canvas, samples) {
  const { context, width, height } = fit(canvas);
  context.clearRect(0, 0, width, height);
  if (samples.length < 2 || !width) return;
  const low = Math.min(...samples);
  const span = Math.max(...samples) - low;
  const x = (at) => 2 + (at / (samples.length - 1)) * (width - 6);
  const y = (value) => (span ? height - 3 - ((value - low) / span) * (height - 6) : height / 2);
  const last = samples.length - 1;
  const colour = ink(canvas, samples[last] >= samples[0] ? "--up" : "--down");
  context.beginPath();
  samples.forEach((value, at) => context.lineTo(x(at), y(value)));
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
  context.lineTo(x(last), height);
  context.lineTo(x(0), height);
  context.globalAlpha = 0.1;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x(last), y(samples[last]), 2, 0, 7);
  context.fill();
}
