// The track to be made, as a line from the song's beginning: the song, the new music, and a handle at the end of it.

import { drag, make } from "./dom.js";
import { TIME_KEYS, clock, spoken } from "./words.js";

const LEAST_NEW = 1; // seconds
const USUAL = 180;

export class Timeline {
  /** `changed` is called with the length in seconds when the handle was moved. */
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    this.old = make("div", { className: "timeline-song" }, make("span", { textContent: "Song" }));
    this.fresh = make("div", { className: "timeline-new" });
    this.label = make("span", { className: "clock", "aria-hidden": "true" });
    this.handle = make("div", {
      className: "timeline-handle", role: "slider", tabIndex: 0, "aria-label": "Length of the track",
      onkeydown: (event) => this.#key(event),
    }, this.label);
    this.element.append(this.old, this.fresh, this.handle);
    drag(this.handle, (event) => this.#drag(event), () => this.#rescale());
  }

  /** Begin with a song: how long it is, where new music begins in it, and how long a track may be. */
  start({ seconds, begins, most }) {
    Object.assign(this, { song: seconds, begins, most, scale: 0 });
    this.length = this.usual;
  }

  /** The length that extrap chooses when it is given none. */
  get usual() {
    return Math.min(Math.max(USUAL, 2 * this.song), this.most);
  }

  /** What is wrong with a length, in a sentence; nothing with one that a track can have. */
  refusal(seconds) {
    if (seconds <= this.song) return `The song lasts ${clock(this.song)} already; ask for more.`;
    return seconds > this.most ? `This server makes tracks of up to ${clock(this.most)}.` : "";
  }

  get length() {
    return this.seconds;
  }

  set length(seconds) {
    this.seconds = Math.min(Math.max(seconds, this.song + LEAST_NEW), this.most);
    this.#rescale();
  }

  // Only where the handle gets near an end of the line, as a line that always rescales is hard to get a feel for.
  #rescale() {
    const part = this.seconds / this.scale;
    if (!(part > 0.4 && part < 0.95)) this.scale = Math.min(this.most, 1.3 * this.seconds);
    this.#draw();
  }

  #draw() {
    const at = (seconds) => `${(100 * seconds) / this.scale}%`;
    this.old.style.width = at(this.begins);
    this.fresh.style.left = at(this.begins);
    this.fresh.style.width = at(this.seconds - this.begins);
    this.handle.style.left = at(this.seconds);
    this.label.textContent = clock(this.seconds);
    this.handle.setAttribute("aria-valuemin", Math.round(this.song + LEAST_NEW));
    this.handle.setAttribute("aria-valuemax", Math.round(this.most));
    this.handle.setAttribute("aria-valuenow", Math.round(this.seconds));
    this.handle.setAttribute("aria-valuetext", spoken(this.seconds));
  }

  #move(seconds) {
    this.seconds = Math.round(Math.min(Math.max(seconds, this.song + LEAST_NEW), this.most));
    this.changed(this.seconds);
  }

  #drag(event) {
    const { left, width } = this.element.getBoundingClientRect();
    this.#move(Math.min(((event.clientX - left) / width) * this.scale, this.scale));
    this.#draw();
  }

  #key(event) {
    if (!(event.key in TIME_KEYS)) return;
    event.preventDefault();
    this.#move(this.seconds + TIME_KEYS[event.key]);
    this.#rescale();
  }
}
