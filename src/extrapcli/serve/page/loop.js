// Finding loops in the song, hearing them, and downloading them.

import { finished, get, peaksOf, post } from "./api.js";
import { find, make, say } from "./dom.js";
import { downloads } from "./files.js";
import { LoopEnds, inTenths } from "./loop-ends.js";
import { Looper } from "./looper.js";
import { currentSong } from "./song.js";
import { Waveform } from "./wave.js";
import { count, likeBeats, seconds } from "./words.js";

const REPEATING = ["wav", "flac", "ogg", "opus"]; // the others have silence at their ends, and can't hold a mark

const looper = new Looper();
let formats = [];
let asked = 0; // how many times
let loops = []; // as the server gives them, each with its `job`
let chosen = null;
let loaded = null; // the loop whose sound the looper has
let wave = null;
let ends = null;

const lengthOf = ({ bars, seconds: length }) => (bars ? count(bars, "bar") : `${Number(length.toFixed(1))} seconds`);

const audible = ({ audibility }) => `the join ${audibility > 99 ? "stands out" : likeBeats(audibility)}`;

const found = (job) => job.result.loops.map((loop) => ({ ...loop, job }));

/** Ask the server for loops; null if something else was asked for since. */
async function search(request) {
  const mine = (asked += 1);
  try {
    const job = await finished(await post(`songs/${currentSong().id}/loops`, request));
    return mine === asked ? found(job) : null;
  } catch (error) {
    if (mine === asked) throw error;
    return null;
  }
}

function list(fresh) {
  loops = fresh;
  find("loop-found").hidden = !loops.length;
  const rows = loops.map((loop) => {
    const radio = make("input", { type: "radio", name: "loop", onchange: () => choose(loop) });
    const row = make("label", { className: "loop" }, radio, make("strong", { textContent: lengthOf(loop) }),
      make("span", { textContent: `${inTenths(loop.begin)} – ${inTenths(loop.end)}` }),
      make("span", { className: "hint", textContent: audible(loop) + (loop.moved ? ", moved by you" : "") }));
    loop.radio = radio;
    return row;
  });
  find("loop-list").replaceChildren(...rows);
  if (loops.length) choose(loops[0]);
}

function choose(loop) {
  looper.stop();
  chosen = loop;
  loop.radio.checked = true;
  ends?.show(loop);
  offer();
}

async function draw(song) {
  const { seconds: length, analysis } = song.result;
  const peaks = await peaksOf(song);
  if (song !== currentSong() || wave) return;
  wave = new Waveform(find("loop-wave"), { seconds: length, peaks, name: song.name });
  wave.sound.inert = true; // what can be moved here are the loop's ends
  wave.surfer.setOptions({ cursorWidth: 0 });
  wave.analysis = analysis;
  ends = new LoopEnds(wave, { bars: analysis.downbeats, moved: (near) => snap(near) });
  if (chosen) ends.show(chosen);
}

/** Take the best loop near where the ends were dragged to. */
async function snap(near) {
  looper.stop();
  try {
    const fresh = await search({ near });
    if (!fresh) return;
    const [loop] = fresh;
    if (loop) {
      const others = loops.filter(({ begin, end, moved }) => !moved && (begin !== loop.begin || end !== loop.end));
      list([{ ...loop, moved: true }, ...others]);
      say(`${lengthOf(loop)}, ${inTenths(loop.begin)} to ${inTenths(loop.end)}: ${audible(loop)}.`);
      return;
    }
    say("There is no loop near there.");
  } catch (error) {
    say(error.message);
  }
  ends.show(chosen);
}

find("loop-search").onsubmit = async (event) => {
  event.preventDefault();
  const times = [find("loop-least"), find("loop-most")];
  const wrong = times.filter((input) => input.value.trim() && Number.isNaN(seconds(input.value)));
  for (const input of times) input.setAttribute("aria-invalid", wrong.includes(input));
  find("loop-problem").textContent = wrong.length ? "Write a length like 0:20; a number alone means minutes." : "";
  if (wrong.length) {
    wrong[0].focus();
    return;
  }
  find("loop-find").disabled = true;
  say("Looking for loops …");
  try {
    const [least, most] = times.map((input) => input.value.trim() || null);
    const fresh = await search({ bars: Number(find("loop-bars").value) || null, least, most });
    if (!fresh) return;
    list(fresh);
    say(loops.length ? `${count(loops.length, "loop")} found. The best has ${lengthOf(loops[0])}.` : "There is no such loop in this song.");
  } catch (error) {
    find("loop-problem").textContent = error.message;
  } finally {
    find("loop-find").disabled = false;
  }
};

async function hear(play) {
  const loop = chosen;
  looper.stop();
  looper.open(currentSong().result.sample_rate);
  for (const audio of document.querySelectorAll("audio")) audio.pause();
  try {
    if (loaded !== loop) {
      // What is heard is the very file that "The loop alone" downloads.
      const file = await finished(await post(`jobs/${loop.job.id}/files`, { format: "wav", number: loop.number, what: "loop" }));
      await looper.load(`api/jobs/${file.id}/file`);
      loaded = loop;
    }
    if (loop === chosen) play();
    follow();
  } catch (error) {
    say(error.message);
  }
}

function follow() {
  find("loop-stop").disabled = !looper.playing;
  const { position } = looper;
  ends?.point(position === null ? null : chosen.begin + position);
  if (looper.playing) requestAnimationFrame(follow);
}

find("loop-play").onclick = () => hear(() => looper.play());
find("loop-wrap").onclick = () => hear(() => looper.playWrap());
find("loop-stop").onclick = () => looper.stop();
document.addEventListener("play", () => looper.stop(), true);
document.addEventListener("tab", ({ detail: name }) => name !== "loop" && looper.stop());

/** Offer the download that is chosen, in the formats that it can have. */
function offer() {
  const what = find("loop-what").value;
  find("loop-length").hidden = what !== "minutes";
  const fitting = formats.filter((format) => what === "minutes" || REPEATING.includes(format));
  const before = find("loop-download").querySelector("select")?.value;
  const row = downloads(chosen.job, fitting, `the loop of ${chosen.job.name}`, () => ({
    number: chosen.number, what, minutes: what === "minutes" ? find("loop-minutes").value.trim() : null,
  }));
  if (fitting.includes(before)) row.querySelector("select").value = before;
  find("loop-download").replaceChildren(row);
}

find("loop-what").onchange = offer;

document.addEventListener("ready", ({ detail: about }) => ({ formats } = about));

document.addEventListener("song", async ({ detail: song }) => {
  asked += 1;
  looper.stop();
  wave?.remove();
  wave = ends = chosen = loaded = null;
  list([]);
  find("loop-wait").hidden = Boolean(song);
  find("loop-view").hidden = !song;
  if (!song) return;
  try {
    await draw(song);
    const before = (await get("jobs")).find((job) => job.kind === "loops" && job.parent === song.id && job.state === "done" && !job.request.near);
    if (before && song === currentSong() && !loops.length) list(found(before));
  } catch (error) {
    if (song === currentSong()) say(error.message);
  }
});
