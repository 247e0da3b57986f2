// A sound with its play button, clock and waveform. Only one sound of the page plays at a time.

import { soundOf } from "./api.js";
import { make, say } from "./dom.js";
import { Waveform } from "./wave.js";
import { clock } from "./words.js";

// Media events don't bubble, but they can be captured.
document.addEventListener("play", ({ target }) => {
  for (const audio of document.querySelectorAll("audio")) if (audio !== target) audio.pause();
}, true);

/**
 * A player inside `element`.
 *
 * name: what is played, for people; url: of the sound, that of `job` if there is none; peaks and seconds: as of a `Waveform`;
 * before: called before it starts to play, as long as others still do.
 */
export class Player {
  constructor(element, { job, url = soundOf(job), seconds, peaks, name, before = () => {} }) {
    this.name = name;
    this.before = before;
    this.audio = make("audio", { preload: "none", src: url });
    this.button = make("button", { type: "button", className: "play", onclick: () => this.toggle() });
    this.clock = make("span", { className: "clock" });
    this.root = make("div", { className: "player" }, this.button, this.clock, this.audio);
    element.append(this.root);
    this.wave = new Waveform(this.root, { seconds, peaks, audio: this.audio, name });
    for (const event of ["play", "pause", "ended"]) this.audio.addEventListener(event, () => this.#show());
    this.audio.addEventListener("timeupdate", () => this.#tick());
    this.audio.addEventListener("error", () => this.audio.error && say(`${this.name} can't be played.`));
    this.wave.surfer.on("timeupdate", () => this.#tick());
    this.#show();
    this.#tick();
  }

  get playing() {
    return !this.audio.paused;
  }

  toggle() {
    if (this.playing) this.audio.pause();
    else this.play();
  }

  /** Play on, or from `begin` to `end`. */
  play(begin, end = Infinity) {
    if (begin === undefined) this.before();
    let at = begin;
    if (this.audio.error) { // as after a lost connection: try again
      at ??= this.wave.time;
      this.audio.load();
    }
    if (at !== undefined) this.wave.time = at;
    this.end = end;
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") say(`${this.name} is ready. Press play to hear it.`);
    });
  }

  rename(name) {
    this.name = name;
    this.wave.sound.setAttribute("aria-label", `Position in ${name}`);
    this.#show();
  }

  remove() {
    this.audio.pause();
    this.audio.removeAttribute("src"); // lets go of the connection
    this.audio.load();
    this.wave.remove();
    this.root.remove();
  }

  #show() {
    this.button.classList.toggle("playing", this.playing);
    this.button.setAttribute("aria-label", `${this.playing ? "Pause" : "Play"} ${this.name}`);
  }

  #tick() {
    this.clock.textContent = `${clock(this.wave.time)} / ${clock(this.wave.seconds)}`;
    if (this.playing && this.wave.time >= this.end) {
      this.end = Infinity;
      this.audio.pause();
    }
  }
}
