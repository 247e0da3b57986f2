// The piano roll, drawn in SVG.

import { shape } from "./dom.js";
import { BARS, duration, isBlack } from "./notes.js";

const ROW = 6;
const COLUMN = 10;

/** A piano roll that shows notes and bar lines, and has a cursor. It is decoration: `inWords` says the same. */
export class PianoRoll {
  constructor() {
    this.element = shape("svg", { class: "roll", "aria-hidden": "true", preserveAspectRatio: "none" });
    this.cursor = shape("line", { class: "cursor", visibility: "hidden" });
  }

  draw(notes, { metre, room = 0, seed = 0 }) {
    const pitches = notes.map(([midi]) => midi).filter((midi) => midi !== null);
    const highest = Math.max(72, ...pitches) + 2;
    const lowest = Math.min(60, ...pitches) - 2;
    const bar = BARS[metre] ?? 16;
    const steps = Math.max(room, Math.ceil(duration(notes) / bar) * bar);
    const height = (highest - lowest + 1) * ROW;
    this.element.setAttribute("viewBox", `0 0 ${steps * COLUMN} ${height}`);
    const shapes = [];
    for (let midi = lowest; midi <= highest; midi += 1) {
      if (isBlack(midi)) shapes.push(shape("rect", { class: "black", x: 0, y: (highest - midi) * ROW, width: steps * COLUMN, height: ROW }));
    }
    for (let step = 0; step <= steps; step += bar) {
      shapes.push(shape("line", { class: "bar", x1: step * COLUMN, x2: step * COLUMN, y1: 0, y2: height }));
    }
    let at = 0;
    for (const [midi, length] of notes) {
      if (midi !== null) {
        const place = { x: at * COLUMN, y: (highest - midi) * ROW, width: length * COLUMN - 1.5, height: ROW };
        shapes.push(shape("rect", { class: at < seed ? "note seed" : "note", rx: 1.5, ...place }));
      }
      at += length;
    }
    this.cursor.setAttribute("y2", height);
    this.element.replaceChildren(...shapes, this.cursor);
  }

  /** Puts the cursor at a sixteenth, or hides it (null). */
  point(step) {
    this.cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
    for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, (step ?? 0) * COLUMN);
  }
}
