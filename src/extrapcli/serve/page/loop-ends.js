// A loop on the waveform of its song, with two ends that can be moved.

import { drag, make } from "./dom.js";
import { clock } from "./words.js";

const STEP = 1; // seconds, where there are no bars
const AT_A_BAR = 0.3; // seconds between an end and the bar line that it belongs to, at most
const LEAST = 0.5; // seconds from end to end
const SETTLED_MS = 700; // after the last press of an arrow key

/** 72.44 as "1:12.4". */
export const inTenths = (seconds) => `${clock(seconds)}.${Math.floor((seconds % 1) * 10)}`;

export class LoopEnds {
  /** `moved` is called with [begin, end] when an end was moved and let go; `bars` are the times of bar lines. */
  constructor(wave, { bars, moved }) {
    this.wave = wave;
    this.bars = bars;
    this.moved = moved;
    this.region = make("div", { className: "loop-region" });
    const shade = make("div", { className: "loop-shade" }, this.region);
    this.cursor = make("div", { className: "loop-cursor", hidden: true });
    this.handles = ["begin", "end"].map((side) => this.#handle(side));
    wave.root.append(shade, this.cursor, ...this.handles);
  }

  /** Show a loop. */
  show({ begin, end }) {
    this.begin = begin;
    this.end = end;
    this.asked = `${begin} ${end}`;
    clearTimeout(this.settling);
    this.#draw();
  }

  /** Put the cursor at a second of the song, or hide it (null). */
  point(seconds) {
    this.cursor.hidden = seconds === null;
    this.cursor.style.left = this.#at(seconds ?? 0);
  }

  #at = (seconds) => `${(100 * seconds) / this.wave.seconds}%`;

  #handle(side) {
    const handle = make("div", {
      className: `loop-handle loop-${side}`, role: "slider", tabIndex: 0, "aria-label": side === "begin" ? "Loop begins" : "Loop ends",
      onkeydown: (event) => this.#key(event, side),
    });
    const place = ({ clientX }) => {
      const { left, width } = this.wave.root.getBoundingClientRect();
      this.#move(side, ((clientX - left) / width) * this.wave.seconds);
    };
    drag(handle, place, () => this.#ask());
    return handle;
  }

  #limits(side) {
    return side === "begin" ? [0, this.end - LEAST] : [this.begin + LEAST, this.wave.seconds];
  }

  #move(side, seconds) {
    const [least, most] = this.#limits(side);
    this[side] = Math.min(Math.max(seconds, least), most);
    this.#draw();
  }

  #ask() {
    clearTimeout(this.settling);
    const asked = `${this.begin} ${this.end}`;
    if (asked === this.asked) return; // it was only touched
    this.asked = asked;
    this.moved([this.begin, this.end]);
  }

  #key(event, side) {
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    const limit = { Home: 0, End: 1 }[event.key];
    if (event.key === "Enter") this.#ask();
    else if (direction) this.#move(side, this.#next(this[side], direction));
    else if (limit !== undefined) this.#move(side, this.#limits(side)[limit]);
    else return;
    event.preventDefault();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#ask(), SETTLED_MS);
  }

  #next(seconds, direction) {
    const beyond = this.bars.filter((bar) => (bar - seconds) * direction > AT_A_BAR);
    return (direction > 0 ? beyond[0] : beyond.at(-1)) ?? seconds + direction * STEP;
  }

  #draw() {
    this.region.style.left = this.#at(this.begin);
    this.region.style.width = this.#at(this.end - this.begin);
    this.handles.forEach((handle, i) => {
      const side = ["begin", "end"][i];
      const [least, most] = this.#limits(side);
      handle.style.left = this.#at(this[side]);
      handle.setAttribute("aria-valuemin", least.toFixed(1));
      handle.setAttribute("aria-valuemax", most.toFixed(1));
      handle.setAttribute("aria-valuenow", this[side].toFixed(1));
      handle.setAttribute("aria-valuetext", this.#words(this[side]));
    });
  }

  #words(seconds) {
    const number = this.bars.findLastIndex((bar) => bar <= seconds + 0.05) + 1;
    return `${inTenths(seconds)}${number ? `, bar ${number}` : ""}`;
  }
}
