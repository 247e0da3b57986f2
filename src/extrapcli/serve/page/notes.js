// Notes as [midi, sixteenths] (midi is null for a rest): what they are called, and how they are read.

export const BARS = { "4/4": 16, "3/4": 12, "2/4": 8, "6/8": 12, "3/8": 6, "2/2": 16, "3/2": 24, "6/4": 24 }; // sixteenths
export const LENGTHS = new Map([
  [1, "sixteenth"],
  [2, "eighth"],
  [3, "dotted eighth"],
  [4, "quarter"],
  [6, "dotted quarter"],
  [8, "half"],
  [12, "dotted half"],
  [16, "whole"],
]);
const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

export const isBlack = (midi) => NAMES[midi % 12].length > 1;
export const noteName = (midi) => NAMES[midi % 12] + (Math.floor(midi / 12) - 1);
export const spokenName = (midi) => noteName(midi).replace("♯", " sharp ");

export const duration = (notes) => notes.reduce((sum, [, steps]) => sum + steps, 0);

export function inWords(notes) {
  const length = (steps) => LENGTHS.get(steps) ?? `${steps} sixteenths`;
  return notes.map(([midi, steps]) => `${midi === null ? "rest" : spokenName(midi)} ${length(steps)}`).join(", ");
}

/** Reads the model's symbols: a MIDI number or `r` begins a note or rest, `_` holds it. */
export function fromSymbols(symbols) {
  const notes = [];
  for (const symbol of symbols.split(/\s+/).filter(Boolean)) {
    if (symbol === "_") notes.at(-1)[1] += 1;
    else notes.push([symbol === "r" ? null : Number(symbol), 1]);
  }
  return notes;
}

/** Turns [midi, begin_s, seconds] into notes and the rests between them. */
export function fromSeconds(timed, tempo) {
  const steps = (seconds) => Math.round((seconds * tempo) / 15);
  const notes = [];
  let at = 0;
  for (const [midi, begin, seconds] of timed) {
    if (steps(begin) > at) notes.push([null, steps(begin) - at]);
    notes.push([midi, steps(seconds)]);
    at = steps(begin) + steps(seconds);
  }
  return notes;
}
