// What a screen reader is told: few things, and never faster than they can be said.

/** Between two announcements; the newest one waits, others are left out. */
const PAUSE_MS = 3000;

export class Voice {
  #said = -Infinity;
  #timer;

  constructor() {
    this.element = document.getElementById("voice");
  }

  say(text) {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#said + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#said = performance.now();
      this.element.textContent = text;
    }, wait);
  }
}
