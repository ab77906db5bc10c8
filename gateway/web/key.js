// The form that asks for a key: there where the gateway wants one, and until it accepts one.

import { write } from "./line.js";
import { isLocked } from "./link.js";

export class KeyForm {
  /** What a key that was accepted is given to. */
  constructor(start) {
    this.start = start;
    this.element = document.getElementById("key");
    this.input = document.getElementById("token");
    this.trouble = document.getElementById("refused");
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  show(trouble = "") {
    this.element.hidden = false;
    write(this.trouble, trouble);
    if (document.activeElement === document.body) this.input.focus();
  }

  hide() {
    this.element.hidden = true;
  }

  async #submit() {
    const key = this.input.value.trim();
    // Said again if it is refused again.
    write(this.trouble, "");
    if (await isLocked(key)) return this.show("The gateway does not accept this one.");
    this.hide();
    this.start(key);
  }
}
