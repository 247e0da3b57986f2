// How a tune begins: played on the piano note by note or in time, or read from a file.

import { finished, upload } from "./api.js";
import { find, make, say } from "./dom.js";
import { BARS, LENGTHS, fromSymbols, inWords } from "./notes.js";
import { Piano } from "./piano.js";
import { Recorder } from "./recorder.js";
import { PianoRoll } from "./roll.js";
import { Synth } from "./synth.js";
import { count } from "./words.js";

const USUAL_LENGTH = 4; // sixteenths

const synth = new Synth();
const roll = new PianoRoll();
let notes = [];
let file = null; // the job of a beginning that was read from a file
let recorder = null;
let asked = 0; // how many files were to be read

/** What a TuneRequest says of the beginning; null while there is none. */
export function beginning() {
  if (file) return { seed: file.id, notes: [] };
  return notes.some(([midi]) => midi !== null) ? { seed: null, notes } : null;
}

const metre = () => find("tune-metre").value;
const tell = (text) => (find("seed-entered").textContent = text);

function remark(sentences, kind = "") {
  find("seed-remarks").className = `notes ${kind}`;
  find("seed-remarks").replaceChildren(...sentences.map((textContent) => make("li", { textContent })));
}

function show() {
  if (beginning()) find("tune-problem").textContent = "";
  const shown = file ? fromSymbols(file.result.symbols) : notes;
  roll.draw(shown, { metre: metre(), room: 2 * BARS[metre()] });
  find("seed-words").textContent = inWords(shown) || "No notes yet. A bar or two is enough.";
  find("seed-rest").disabled = Boolean(file || recorder);
  find("seed-back").disabled = Boolean(file) || !notes.length;
  find("seed-clear").disabled = !shown.length;
}

function add(midi) {
  const note = [midi, Number(find("note-lengths").querySelector(":checked").value)];
  notes.push(note);
  tell(inWords([note]));
  show();
}

function removeLast() {
  if (file || !notes.length) return;
  tell(`${inWords([notes.pop()])} removed`);
  show();
}

function clear() {
  notes = [];
  file = null;
  find("seed-file").value = "";
  remark([]);
  tell("No notes");
  show();
}

const piano = new Piano(find("piano"), {
  press: (midi) => {
    synth.press(midi);
    if (recorder) recorder.press(midi);
    else if (file) say("Clear what was read from the file; then you can play another beginning.");
    else add(midi);
  },
  release: (midi) => {
    synth.release(midi);
    recorder?.release(midi);
  },
  letters: () => find("letters").checked,
});

function record() {
  const tempo = find("tune-tempo");
  if (!tempo.reportValidity()) return;
  if (file) clear();
  const beat = (number, countsIn) => {
    find("seed-beat").textContent = number;
    find("seed-beat").classList.toggle("counts-in", countsIn);
  };
  recorder = new Recorder({ metre: metre(), tempo: Number(tempo.value), beat });
  showRecording();
  say("A bar counts in; then play. What you play takes the place of the notes.");
}

function stopRecording() {
  const played = recorder.stop();
  recorder = null;
  if (played.length) notes = played;
  showRecording();
  say(played.length ? `${count(played.filter(([midi]) => midi !== null).length, "note")} recorded.` : "Nothing was played.");
}

function showRecording() {
  const button = find("seed-record");
  button.classList.toggle("recording", Boolean(recorder));
  button.textContent = recorder ? "Stop recording" : "Record in time";
  find("seed-beat").textContent = "";
  show();
}

async function read(chosen) {
  const mine = (asked += 1);
  if (recorder) stopRecording();
  say(`Reading ${chosen.name} …`);
  try {
    const job = await finished(await upload("seeds", chosen));
    if (mine !== asked) return;
    file = job;
  } catch (error) {
    if (mine !== asked) return;
    file = null;
    find("seed-file").value = "";
    remark([error.message], "problem");
    show();
    return;
  }
  const { key, metre: written, remarks } = file.result;
  if (written in BARS) find("tune-metre").value = written;
  const sentences = [[`In ${key}`, written].filter(Boolean).join(", "), ...remarks];
  remark(sentences);
  show();
  say(`${chosen.name} is read.`);
}

find("note-lengths").append(...[...LENGTHS].map(([steps, textContent]) => {
  const radio = make("input", { type: "radio", name: "note-length", value: steps, checked: steps === USUAL_LENGTH });
  return make("label", {}, radio, make("span", { textContent }));
}));
find("tune-metre").append(...Object.keys(BARS).map((name) => make("option", { value: name, textContent: name })));
find("tune-metre").onchange = show;
find("seed-roll").append(roll.element);
find("seed-rest").onclick = () => add(null);
find("seed-back").onclick = removeLast;
find("seed-clear").onclick = clear;
find("seed-record").onclick = () => (recorder ? stopRecording() : record());
find("octave-down").onclick = () => piano.shift(-1);
find("octave-up").onclick = () => piano.shift(1);
find("seed-file").onchange = ({ target }) => target.files[0] && read(target.files[0]);

document.addEventListener("keydown", (event) => {
  if (event.key === "Backspace" && piano.hears(event)) removeLast();
});
document.addEventListener("tab", ({ detail: name }) => {
  if (name === "melody") return;
  piano.releaseAll();
  if (recorder) stopRecording();
});
show();
