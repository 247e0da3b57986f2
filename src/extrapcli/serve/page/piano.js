// A piano keyboard for mouse, fingers, computer keys and screen readers.

import { make, oneStop } from "./dom.js";
import { isBlack, noteName, spokenName } from "./notes.js";

const LOWEST = 53; // F3
const HIGHEST = 88; // E6
const COMPUTER_KEYS = "KeyA KeyW KeyS KeyE KeyD KeyF KeyT KeyG KeyY KeyH KeyU KeyJ KeyK KeyO KeyL KeyP Semicolon".split(" ");
const TEXT_FIELDS = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=range], [type=file])";
const TAP_MS = 250;

export class Piano {
  #pressed = new Map(); // what holds a key down (a pointer's id, a computer key) and the key's MIDI number
  #keys = new Map();
  #octave = 60;

  /** `press` and `release` are called with MIDI numbers; `letters()` says whether the computer's keys play now. */
  constructor(host, { press, release, letters }) {
    this.press = press;
    this.release = release;
    this.letters = letters;
    this.host = host;
    host.classList.add("piano");
    host.setAttribute("role", "group");
    for (let midi = LOWEST; midi <= HIGHEST; midi += 1) this.#keys.set(midi, this.#key(midi));
    host.replaceChildren(...this.#keys.values());
    this.#listen();
    this.#rove(60);
    this.#label();
    new ResizeObserver(() => this.#reveal()).observe(host); // also when it comes into sight
  }

  /** Moves the computer's keys, and what is in view, by octaves. */
  shift(octaves) {
    const octave = this.#octave + 12 * octaves;
    if (octave < LOWEST - 12 || octave > HIGHEST - 4) return;
    this.#octave = octave;
    this.#label();
    this.#reveal();
  }

  // Scrolls so that the octave which the computer's keys play is in view.
  #reveal() {
    const first = this.#keys.get(Math.max(this.#octave, LOWEST));
    this.host.scrollTo({ left: first.offsetLeft - this.host.offsetLeft - 4 });
  }

  /** Whether a key of the computer is meant for the piano. */
  hears({ target, ctrlKey, altKey, metaKey }) {
    return this.letters() && this.host.checkVisibility() && !ctrlKey && !altKey && !metaKey && !target.matches?.(TEXT_FIELDS);
  }

  releaseAll() {
    for (const source of [...this.#pressed.keys()]) this.#up(source);
  }

  #key(midi) {
    return make("button", { type: "button", className: isBlack(midi) ? "key black" : "key", "aria-label": spokenName(midi), "data-midi": midi },
      make("kbd", { "aria-hidden": "true" }), make("span", { "aria-hidden": "true", textContent: midi % 12 ? "" : noteName(midi) }));
  }

  #label() {
    for (const [midi, key] of this.#keys) {
      const code = COMPUTER_KEYS[midi - this.#octave] ?? "";
      key.firstChild.textContent = code === "Semicolon" ? ";" : code.slice(3);
    }
  }

  #rove(midi) {
    oneStop([...this.#keys.values()], this.#keys.get(midi));
  }

  #down(source, midi) {
    if (this.#pressed.get(source) === midi) return;
    this.#up(source);
    this.#pressed.set(source, midi);
    this.#keys.get(midi).classList.add("down");
    this.press(midi);
  }

  #up(source) {
    const midi = this.#pressed.get(source);
    if (midi === undefined) return;
    this.#pressed.delete(source);
    if ([...this.#pressed.values()].includes(midi)) return;
    this.#keys.get(midi).classList.remove("down");
    this.release(midi);
  }

  #listen() {
    const { host } = this;
    const midiOf = (target) => Number(target?.closest?.(".key")?.dataset.midi) || null;

    host.addEventListener("pointerdown", (event) => {
      const midi = midiOf(event.target);
      if (!midi || event.button) return;
      host.setPointerCapture(event.pointerId);
      this.#rove(midi);
      this.#down(event.pointerId, midi);
    });
    host.addEventListener("pointermove", (event) => {
      if (!this.#pressed.has(event.pointerId)) return;
      const target = document.elementFromPoint(event.clientX, event.clientY);
      const midi = host.contains(target) ? midiOf(target) : null;
      if (midi) this.#down(event.pointerId, midi);
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      host.addEventListener(type, (event) => this.#up(event.pointerId));
    }

    // Screen readers click without a pointer or a key.
    host.addEventListener("click", (event) => {
      const midi = midiOf(event.target);
      if (!midi || event.detail) return;
      this.#down("click", midi);
      setTimeout(() => this.#up("click"), TAP_MS);
    });

    host.addEventListener("keydown", (event) => {
      const midi = midiOf(event.target);
      const to = { ArrowRight: midi + 1, ArrowLeft: midi - 1, ArrowUp: midi + 12, ArrowDown: midi - 12, Home: LOWEST, End: HIGHEST }[event.key];
      if (event.key === " " || event.key === "Enter") {
        if (!event.repeat) this.#down(event.code, midi);
      } else if (this.#keys.has(to)) {
        this.#rove(to);
        this.#keys.get(to).focus();
      } else return;
      event.preventDefault();
    });

    document.addEventListener("keydown", (event) => {
      if (event.repeat || !this.hears(event)) return;
      if (event.code === "KeyZ") this.shift(-1);
      if (event.code === "KeyX") this.shift(1);
      const midi = this.#octave + COMPUTER_KEYS.indexOf(event.code);
      if (COMPUTER_KEYS.includes(event.code) && this.#keys.has(midi)) this.#down(event.code, midi);
    });
    document.addEventListener("keyup", (event) => this.#up(event.code));
    window.addEventListener("blur", () => this.releaseAll());
  }
}
