// The joins of a take: marks over its waveform, the same as a list, and what can be done with the one that is chosen.

import { button, make, moveByArrows } from "./dom.js";
import { clock, heard } from "./words.js";

const LAYERS = { harmonic: "only what sustains", percussive: "only the drums" };

export class Joins {
  #buttons = new Map(); // by number of the join: its row in the list and its mark over the waveform

  /** `hear` is called with a join that is chosen, `another` with one from which the music should go another way, if it can. */
  constructor({ hear, another, goesAnotherWay }) {
    this.hear = hear;
    this.summary = make("summary");
    this.items = make("ol", { className: "joins" });
    this.about = make("p");
    const way = button("Another way from here", () => another(this.chosen));
    way.hidden = !goesAnotherWay;
    this.panel = make("div", { className: "join-chosen row", hidden: true }, this.about, way);
    moveByArrows(this.items);
    this.red = make("span", { hidden: true, textContent: " Those in red can be heard." });
    const legend = make("p", { className: "hint" }, "Each line over the sound is a join, where the music was put together.", this.red);
    this.root = make("div", { className: "stack", hidden: true }, legend, this.panel, make("details", {}, this.summary, this.items));
  }

  /** Show one more join; one that is shown already stays as it is. */
  add(join, wave) {
    if (this.#buttons.has(join.number)) return;
    const press = () => this.#choose(join);
    const row = button(inWords(join), press);
    row.tabIndex = this.#buttons.size ? -1 : 0;
    this.items.append(make("li", {}, row));
    const mark = wave.mark({
      seconds: join.seconds, text: join.number, label: `Join ${inWords(join)}`, press,
      className: join.audible ? "audible" : "",
    });
    this.#buttons.set(join.number, [row, mark]);
    if (join.audibility != null) this.red.hidden = false;
    this.summary.textContent = `Joins (${this.#buttons.size})`;
    this.root.hidden = false;
  }

  #choose(join) {
    this.chosen = join;
    this.panel.hidden = false;
    this.about.textContent = `Join ${inWords(join)}`;
    for (const [number, buttons] of this.#buttons) {
      for (const each of buttons) {
        each.setAttribute("aria-pressed", number === join.number);
        each.tabIndex = number === join.number ? 0 : -1;
      }
    }
    this.hear(join);
  }
}

/** "3 at 1:12, from bar 12, beat 1 to bar 4, beat 1, can hardly be heard" */
function inWords(join) {
  const to = join.to_seconds != null && `to ${clock(join.to_seconds)} of the song`;
  const ofSong = to && join.from_seconds != null ? `from ${clock(join.from_seconds)} ${to}` : to;
  const way = join.from && join.to ? `from ${join.from} to ${join.to}` : ofSong;
  const parts = [`${join.number} at ${clock(join.seconds)}`, join.is_new && "a new bar", way, heard(join), LAYERS[join.layer]];
  return parts.filter(Boolean).join(", ");
}
