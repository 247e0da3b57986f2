// Small helpers for the page.

export const find = (id) => document.getElementById(id);

/** Make an element. Keys are properties where there are such (`textContent`, `onclick`), else attributes. */
export function make(tag, settings = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(settings)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

let silence;

/** Show a sentence at the foot of the page for a while, and have screen readers say it. */
export function say(text) {
  const status = find("status");
  status.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (status.textContent = ""), 7000);
}

/** A button; `label` is what screen readers say where its text isn't enough. */
export function button(text, onclick, label = null) {
  return make("button", { type: "button", textContent: text, onclick, ...(label && { "aria-label": label }) });
}

/** Have a button ask once more before it acts. Returns it. */
export function makeSure(button, action) {
  const text = button.textContent;
  const label = button.getAttribute("aria-label") ?? text;
  const ask = (sure) => {
    button.classList.toggle("sure", sure);
    button.textContent = sure ? `${text}: sure?` : text;
    button.setAttribute("aria-label", sure ? `${label}: sure?` : label);
  };
  button.onblur = () => ask(false);
  button.onkeydown = ({ key }) => { // a handler that returns false would take the key away
    if (key === "Escape") ask(false);
  };
  button.onclick = () => {
    const sure = button.classList.contains("sure");
    ask(!sure);
    if (sure) action();
  };
  return button;
}

/** Let buttons be one stop of the Tab key together, which is `stop`. Returns it. */
export function oneStop(buttons, stop) {
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  return stop;
}

/** Have the arrow keys move among the buttons in an element, which are one stop of the Tab key. */
export function moveByArrows(element) {
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const buttons = [...element.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    const to = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    oneStop(buttons, buttons[Math.min(Math.max(to, 0), buttons.length - 1)]).focus();
  });
}

/** An SVG element. */
export function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Follow a pointer that is pressed on an element: `move` gets each event until it is let go, then `end` is called. */
export function drag(element, move, end = () => {}) {
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", move);
    const letGo = () => {
      element.removeEventListener("pointermove", move);
      end();
    };
    element.addEventListener("lostpointercapture", letGo, { once: true });
  });
}

/** The same action, at most once in so many milliseconds; the last call always counts. */
export function throttled(action, milliseconds) {
  let timer = null;
  let again = false;
  const run = () => {
    again = false;
    action();
    timer = setTimeout(() => {
      timer = null;
      if (again) run();
    }, milliseconds);
  };
  return () => {
    if (timer === null) run();
    else again = true;
  };
}
