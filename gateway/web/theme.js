// Light, dark, or as the system has it.

import { forgetColours } from "./canvas.js";

const NAMES = ["auto", "light", "dark"];
const KEY = "tickcast-theme";

/** Makes the switch work; `changed` is called when colours are others. */
export function initTheme(changed) {
  const button = document.getElementById("theme");
  let theme = stored();
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
    button.setAttribute("aria-label", `Colours: ${theme}. Change`);
    forgetColours();
    changed();
  };
  button.addEventListener("click", () => {
    theme = NAMES[(NAMES.indexOf(theme) + 1) % NAMES.length];
    store(theme);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return NAMES.includes(theme) ? theme : "auto";
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
    return "auto";
  }
}

function store(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
}
