// What the new music should be like, and the button that has it made.

import { find, make } from "./dom.js";
import { EnergyCurve } from "./energy.js";
import { freeSeed, makeTake } from "./takes.js";
import { Timeline } from "./timeline.js";
import { clock, seconds, shareWord, wordFor } from "./words.js";

const VARIETIES = ["safe", "fairly safe", "in between", "fairly surprising", "surprising"];

let most = 3600; // seconds that a track may have

const timeline = new Timeline(find("timeline"), (length) => {
  find("length").value = clock(length);
  readLength();
});
const curve = new EnergyCurve(timeline.fresh);

/** Say beside a field what is wrong with it, if anything. Returns whether nothing is. */
function judge(field, problem) {
  find(field).setAttribute("aria-invalid", Boolean(problem));
  find(`${field}-problem`).textContent = problem;
  return !problem;
}

/** Whether the length makes sense; the line of the track follows it. */
function readLength() {
  const text = find("length").value;
  const length = text.trim() ? seconds(text) : timeline.usual;
  const problem = Number.isNaN(length) ? "Write a length like 3:30; a number alone means minutes." : timeline.refusal(length);
  if (!judge("length", problem)) return false;
  if (Math.round(length) !== Math.round(timeline.length)) timeline.length = length;
  curve.span(timeline.begins, timeline.length);
  return true;
}

function readSeed() {
  const fits = find("seed").checkValidity();
  return judge("seed", fits ? "" : `Write a whole number from 0 to ${find("seed").max}.`);
}

find("length").onchange = readLength;
find("seed").onchange = readSeed;
// What is mended loses its sentence at once: one that went with the next click would move what is clicked on.
for (const [field, read] of [["length", readLength], ["seed", readSeed]]) {
  find(field).oninput = () => find(`${field}-problem`).textContent && read();
}

find("energy").onchange = () => {
  curve.show(find("energy").value);
  find("draw-hint").hidden = !curve.drawing;
};
find("add-point").onclick = () => curve.addPoint();

for (const [slider, wordOf] of [["variety", (value) => wordFor(value, VARIETIES)], ["new", shareWord]]) {
  const tell = () => {
    const word = wordOf(Number(find(slider).value));
    find(`${slider}-word`).textContent = word;
    find(slider).setAttribute("aria-valuetext", word);
  };
  find(slider).oninput = tell;
  tell();
}

/** New bars keep the song's energy and lead nowhere back, so nothing else is offered with them. */
function limit() {
  const fresh = Number(find("new").value) > 0;
  if (fresh && find("energy").value) {
    find("energy").value = "";
    find("energy").onchange();
  }
  if (fresh && find("ending").value === "loop") find("ending").value = "auto";
  find("energy").disabled = find("back").disabled = fresh;
}
find("new").onchange = limit;

find("model").onchange = () => {
  const [model, share] = [find("model").value, Number(find("new").value)];
  if (model === "compose" && !share) find("new").value = 1; // what it is there for
  if (model !== "compose" && model !== "recall") find("new").value = 0;
  find("new").oninput();
  limit();
};

find("options").onsubmit = async (event) => {
  event.preventDefault();
  if (!readLength()) {
    find("length").focus();
    return;
  }
  if (!readSeed()) {
    find("options").querySelector("details").open = true;
    find("seed").focus();
    return;
  }
  const request = {
    length: find("length").value.trim() || clock(timeline.length),
    ...curve.request,
    ending: find("ending").value,
    variety: Number(find("variety").value),
    new: Number(find("new").value),
    model: find("model").value,
    seed: find("seed").value === "" ? freeSeed() : Number(find("seed").value),
    another: [],
  };
  find("options-problem").textContent = "";
  try {
    await makeTake(request);
  } catch (error) {
    find("options-problem").textContent = error.message;
  }
};

document.addEventListener("ready", ({ detail: about }) => {
  most = 60 * about.limits.minutes;
  const models = about.models.map(({ name, title }) => make("option", { value: name, textContent: title ? `${name}: ${title}` : name }));
  find("model").replaceChildren(...models);
  find("model").value = about.models.some(({ name }) => name === "recall") ? "recall" : models[0]?.value;
});

document.addEventListener("song", ({ detail: job }) => {
  find("options").hidden = !job;
  if (!job) return;
  const { analysis } = job.result;
  const begins = analysis.music.ending ?? analysis.seconds; // a song's own ending moves to the track's end
  timeline.start({ seconds: analysis.seconds, begins, most });
  find("length").value = find("length").placeholder = clock(timeline.length);
  find("options-problem").textContent = "";
  const own = find("own-ending");
  own.disabled = analysis.cut_off;
  own.textContent = `The song's own${analysis.cut_off ? " (it is cut off and has none)" : ""}`;
  if (own.disabled && own.selected) find("ending").value = "auto";
  readLength();
});
