// A waveform, with what is known of its music over it, which is also the slider of its sound.

import WaveSurfer from "./vendor/wavesurfer.js";
import { button, make, moveByArrows, shape } from "./dom.js";
import { TIME_KEYS, spoken } from "./words.js";

const PEAKS_PER_SECOND = 20;
const MARK_PIXELS = 38; // for a number of three digits

const nonce = document.querySelector("meta[name=nonce]").content;
const dark = matchMedia("(prefers-color-scheme: dark)");

/**
 * A waveform inside `element`.
 *
 * seconds: how long the sound is; peaks: bytes as of `peaksOf`, perhaps of its beginning only;
 * audio: the <audio> that it shows and moves, if any; name: what the slider is called.
 * `surfer` is the WaveSurfer, for its plugins and events.
 */
export class Waveform {
  constructor(element, { seconds, peaks, audio, name, height = 88 }) {
    this.seconds = seconds;
    this.sound = make("div", {
      className: "wave-sound", role: "slider", tabIndex: 0, "aria-label": `Position in ${name}`, "aria-valuemin": 0,
      "aria-valuemax": Math.round(seconds), onkeydown: (event) => this.#key(event),
    });
    this.marked = make("div", { className: "wave-marks" });
    moveByArrows(this.marked);
    this.root = make("div", { className: "wave" }, this.sound, this.marked);
    element.append(this.root);
    this.surfer = WaveSurfer.create({
      container: this.sound, height, media: audio, peaks: [this.#padded(peaks)], duration: seconds, normalize: true,
      barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 2, dragToSeek: true, hideScrollbar: true, cspNonce: nonce,
      ...this.#colours(),
    });
    this.surfer.on("timeupdate", () => this.#tell());
    this.surfer.on("redraw", () => this.#crowd());
    this.surfer.on("error", () => {}); // whoever plays the sound tells of it
    this.#tell();
    this.recolour = () => this.surfer.setOptions(this.#colours());
    dark.addEventListener("change", this.recolour);
  }

  get time() {
    return this.surfer.getCurrentTime();
  }

  set time(seconds) {
    this.surfer.setTime(Math.min(Math.max(seconds, 0), this.seconds));
  }

  /** Draw more of a sound that is being made. */
  set peaks(peaks) {
    this.surfer.load(this.surfer.options.media?.src ?? "", [this.#padded(peaks)], this.seconds).catch(() => {});
  }

  /** Hatch what comes after so many seconds: it isn't made yet. */
  set made(seconds) {
    this.hatched ??= this.sound.appendChild(make("div", { className: "wave-unmade" }));
    this.hatched.style.left = this.#at(seconds);
  }

  /** Show stretches of music as labelled bands: [{begin, end, label, kind?}]; those of one kind, or label, look alike. */
  set sections(sections) {
    this.bands?.remove();
    const labels = [...new Set(sections.map((section) => section.label))];
    this.bands = make("div", { className: "wave-sections" });
    for (const { begin, end, label, kind = labels.indexOf(label) % 6 } of sections) {
      const band = make("span", { className: `band band-${kind}`, textContent: label });
      band.style.left = this.#at(begin);
      band.style.width = this.#at(end - begin);
      this.bands.append(band);
    }
    this.sound.append(this.bands);
  }

  /** Show what an analysis found: sections, bar lines and energy. */
  set analysis({ sections, downbeats, energy, energy_step: step }) {
    this.sections = sections;
    this.lines?.remove();
    this.lines = shape("svg", {
      class: "wave-lines", viewBox: `0 0 ${this.seconds} 1`, preserveAspectRatio: "none", "aria-hidden": true,
    });
    const draw = (name, d) => this.lines.append(shape("path", { class: name, d, "vector-effect": "non-scaling-stroke" }));
    draw("wave-bars", downbeats.map((time) => `M${time} 0.86V1`).join(""));
    const points = energy.map((level, i) => `${((i + 0.5) * step).toFixed(2)} ${(0.98 - 0.76 * level).toFixed(3)}`);
    if (points.length) draw("wave-energy", `M${points.join("L")}`);
    this.sound.append(this.lines);
  }

  /** Put a button over the waveform. Returns it. */
  mark({ seconds, text, label, press, className = "" }) {
    const flag = button("", press, label);
    flag.className = `mark ${className}`;
    flag.title = label;
    flag.style.left = this.#at(seconds);
    flag.append(make("span", { textContent: text }));
    flag.tabIndex = this.marked.childElementCount ? -1 : 0;
    this.marked.append(flag);
    this.#crowd();
    return flag;
  }

  remove() {
    dark.removeEventListener("change", this.recolour);
    this.surfer.destroy();
    this.root.remove();
  }

  #at = (seconds) => `${(100 * seconds) / this.seconds}%`;

  /** Let marks without room for their text be dots. */
  #crowd() {
    const { clientWidth: width } = this.marked;
    let last = -Infinity;
    for (const flag of this.marked.children) {
      const at = (width * parseFloat(flag.style.left)) / 100;
      const crowded = at - last < MARK_PIXELS;
      flag.classList.toggle("crowded", crowded);
      if (!crowded) last = at;
    }
  }

  #padded(peaks) {
    const heights = new Float32Array(Math.max(1, Math.ceil(this.seconds * PEAKS_PER_SECOND)));
    heights.set(Array.from(peaks.subarray(0, heights.length), (peak) => peak / 255));
    return heights;
  }

  #colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    return { waveColor: colour("--wave"), progressColor: colour("--wave-played"), cursorColor: colour("--accent") };
  }

  #tell() {
    this.sound.setAttribute("aria-valuenow", Math.round(this.time));
    this.sound.setAttribute("aria-valuetext", `${spoken(this.time)} of ${spoken(this.seconds)}`);
  }

  #key(event) {
    if (event.key in TIME_KEYS) this.time += TIME_KEYS[event.key];
    else if (event.key === " ") this.surfer.playPause().catch(() => {});
    else return;
    event.preventDefault();
  }
}
