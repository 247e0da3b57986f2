// Records what is played to a metronome, and rounds it to sixteenths.

import { BARS, LENGTHS } from "./notes.js";
import { audio, click } from "./synth.js";

const LOOK_AHEAD = 0.2; // clicks are scheduled this many seconds before they sound
const SHORTEST_REST = 2; // a shorter gap is how fingers play, not a rest

export class Recorder {
  #played = [];
  #clicks = [];

  /** `beat` is called as each beat sounds, with its number in the bar and whether it still counts in. */
  constructor({ metre, tempo, beat }) {
    this.step = 15 / tempo;
    this.bar = BARS[metre];
    this.beatSteps = 16 / Number(metre.split("/")[1]);
    this.beat = beat;
    const out = audio();
    this.latency = out.outputLatency || out.baseLatency || 0;
    this.clicked = 0;
    this.first = out.currentTime + 0.1;
    this.begin = this.first + this.bar * this.step; // after a bar that counts in
    this.timer = setInterval(() => this.#schedule(), 50);
    this.#schedule();
  }

  press(midi) {
    this.release();
    this.#played.push({ midi, begin: this.#now(), end: null });
  }

  /** Ends the note that sounds, unless another one has begun since. */
  release(midi = this.#played.at(-1)?.midi) {
    const last = this.#played.at(-1);
    if (last && last.midi === midi) last.end ??= this.#now();
  }

  /** Stops, and gives the notes. */
  stop() {
    this.release();
    clearInterval(this.timer);
    this.beat = () => {};
    for (const tone of this.#clicks) tone.stop();
    return quantise(this.#played, this.bar);
  }

  #now() {
    return (audio().currentTime - this.latency - this.begin) / this.step;
  }

  #schedule() {
    const beats = this.bar / this.beatSteps;
    for (;;) {
      const when = this.first + this.clicked * this.beatSteps * this.step;
      const wait = when - audio().currentTime;
      if (wait > LOOK_AHEAD) return;
      const beat = this.clicked % beats;
      const countsIn = this.clicked < beats;
      this.#clicks.push(click(Math.max(when, audio().currentTime), beat === 0));
      setTimeout(() => this.beat(beat + 1, countsIn), Math.max(0, wait * 1000));
      this.clicked += 1;
    }
  }
}

/** Rounds notes, whose times are in sixteenths, to whole ones; whole bars of silence before the first are left out. */
export function quantise(played, bar) {
  const starts = new Map(); // of notes that begin on the same sixteenth, the last stays
  for (const note of played) {
    const at = Math.round(note.begin);
    if (at >= -1) starts.set(Math.max(0, at), note);
  }
  const onsets = [...starts.keys()].sort((a, b) => a - b);
  const notes = [];
  let at = Math.floor((onsets[0] ?? 0) / bar) * bar;
  onsets.forEach((onset, index) => {
    if (onset > at) notes.push([null, onset - at]);
    const { midi, end } = starts.get(onset);
    const room = (onsets[index + 1] ?? Infinity) - onset;
    const held = Math.max(1, Math.round(end) - onset);
    const steps = nearestLength(room - held < SHORTEST_REST ? room : held, room);
    notes.push([midi, steps]);
    at = onset + steps;
  });
  return notes;
}

function nearestLength(steps, room) {
  const fitting = [...LENGTHS.keys()].filter((length) => length <= room);
  return fitting.reduce((best, length) => (Math.abs(length - steps) < Math.abs(best - steps) ? length : best));
}
