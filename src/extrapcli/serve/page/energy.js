// How calm or lively the new music should be: a choice of words, or a curve to draw.

import { drag, make, shape } from "./dom.js";
import { clock, levelWord, spoken } from "./words.js";

const SHAPES = { // from the begin to the end of the new music
  calm: [[0, 0], [1, 0]],
  lively: [[0, 1], [1, 1]],
  rising: [[0, 0], [1, 1]],
  falling: [[0, 1], [1, 0]],
};
const STEP = { level: 0.05, at: 0.02 };
const APART = 0.01; // of the curve's width: two points are never at one time

const clamp = (value, low = 0, high = 1) => Math.min(Math.max(value, low), high);

/** A curve over `element`, which stands for the music from `begin` to `end` (seconds of the track). */
export class EnergyCurve {
  constructor(element) {
    this.element = element;
    this.line = shape("path", { "vector-effect": "non-scaling-stroke" });
    const svg = shape("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": true });
    svg.append(this.line);
    const word = (text) => make("span", { className: "energy-word", textContent: text, "aria-hidden": "true" });
    this.words = make("div", { className: "energy-words" }, word("lively"), word("calm"));
    element.classList.add("energy");
    element.append(svg, this.words);
    element.addEventListener("click", (event) => this.#click(event));
    this.points = [[0.15, 0.5], [0.55, 0.2], [1, 0.9]].map(([at, level]) => ({ at, level }));
    this.span(0, 1);
    this.show("");
  }

  /** Say which seconds of the track the curve is over. */
  span(begin, end) {
    Object.assign(this, { begin, end });
    this.points.forEach((point) => this.#tell(point));
  }

  /** Show one of SHAPES, or the points to draw with. */
  show(choice) {
    this.choice = choice;
    this.drawing = choice === "draw";
    this.element.classList.toggle("drawing", this.drawing);
    this.words.hidden = !choice;
    for (const point of this.points) {
      if (this.drawing) this.#handle(point);
      else point.handle?.remove();
    }
    this.#draw();
  }

  /** What a TrackRequest says of it. */
  get request() {
    if (this.choice === "rising") return { mood: null, arc: "calm:lively" };
    if (this.choice === "falling") return { mood: null, arc: "lively:calm" };
    if (!this.drawing) return { mood: this.choice || null, arc: null };
    const levels = new Map(this.points.map(({ at, level }) => [clock(this.#time(at)), level.toFixed(2)]));
    return { mood: null, arc: [...levels].map((pair) => pair.join(" ")).join(", ") };
  }

  /** Add a point in the middle of the widest gap, for who can't click. */
  addPoint() {
    const ats = [0, ...this.points.map((point) => point.at), 1];
    const gaps = ats.slice(1).map((at, i) => at - ats[i]);
    const widest = gaps.indexOf(Math.max(...gaps));
    this.#add(ats[widest] + gaps[widest] / 2, 0.5).handle.focus();
  }

  #time = (at) => this.begin + at * (this.end - this.begin);

  #add(at, level) {
    const point = { at, level };
    this.points.push(point);
    this.points.sort((a, b) => a.at - b.at);
    this.#handle(point);
    this.#move(point, {});
    return point;
  }

  #remove(point) {
    if (this.points.length === 1) return;
    const i = this.points.indexOf(point);
    this.points.splice(i, 1);
    point.handle.remove();
    this.points[Math.max(0, i - 1)].handle.focus();
    this.#draw();
  }

  #handle(point) {
    point.handle ??= this.#makeHandle(point);
    const later = this.points.slice(this.points.indexOf(point) + 1).find(({ handle }) => handle?.isConnected);
    this.element.insertBefore(point.handle, later?.handle ?? null);
    this.#tell(point);
  }

  #makeHandle(point) {
    const handle = make("div", {
      className: "energy-point", role: "slider", tabIndex: 0, "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-orientation": "vertical",
    });
    handle.ondblclick = () => this.#remove(point);
    handle.onkeydown = (event) => this.#key(event, point);
    drag(handle, (event) => this.#move(point, this.#place(event)));
    return handle;
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return { at: clamp((clientX - left) / width), level: clamp(1 - (clientY - top) / height) };
  }

  #move(point, { at = point.at, level = point.level }) {
    const i = this.points.indexOf(point);
    const [low, high] = [this.points[i - 1]?.at ?? -APART, this.points[i + 1]?.at ?? 1 + APART];
    point.at = clamp(at, low + APART, high - APART);
    point.level = clamp(level);
    this.#tell(point);
    this.#draw();
  }

  #click(event) {
    if (!this.drawing || event.target.closest(".energy-point")) return;
    const { at, level } = this.#place(event);
    this.#add(at, level).handle.focus();
  }

  #key(event, point) {
    const { at, level } = point;
    if (event.key === "Delete" || event.key === "Backspace") this.#remove(point);
    else if (event.key === "ArrowUp") this.#move(point, { level: level + STEP.level });
    else if (event.key === "ArrowDown") this.#move(point, { level: level - STEP.level });
    else if (event.key === "ArrowLeft") this.#move(point, { at: at - STEP.at });
    else if (event.key === "ArrowRight") this.#move(point, { at: at + STEP.at });
    else return;
    event.preventDefault();
  }

  #tell({ at, level, handle }) {
    if (!handle) return;
    const time = this.#time(at);
    handle.style.left = `${100 * at}%`;
    handle.style.top = `${100 * (1 - level)}%`;
    handle.title = `${clock(time)} ${levelWord(level)}`;
    handle.setAttribute("aria-label", `Energy at ${clock(time)}`);
    handle.setAttribute("aria-valuenow", Math.round(100 * level));
    handle.setAttribute("aria-valuetext", `${levelWord(level)}, ${Math.round(100 * level)} percent, at ${spoken(time)}`);
  }

  #draw() {
    const drawn = this.points.map(({ at, level }) => [at, level]);
    const corners = this.drawing ? [...drawn, [1, drawn.at(-1)[1]]] : (SHAPES[this.choice] ?? []);
    this.line.setAttribute("d", corners.map(([at, level], i) => `${i ? "L" : "M"}${at} ${1 - level}`).join(""));
  }
}
