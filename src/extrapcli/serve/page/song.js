// The song that is worked on: giving one, choosing one used before, its waveform and what is known of it.

import { discard, events, get, peaksOf, post, upload } from "./api.js";
import { button, find, make, makeSure, say } from "./dom.js";
import { Library } from "./library.js";
import { Player } from "./player.js";
import { clock, count } from "./words.js";

let song = null; // the chosen job, once its analysis is known
let player = null;
let stop = () => {}; // ends listening to the chosen song's events
let chosen = null; // the id of the chosen job
const songs = new Map(); // by id, oldest first

/** The job of the chosen song, with its analysis in `result`; null while there is none. */
export const currentSong = () => song;

function announce(job) {
  song = job;
  document.dispatchEvent(new CustomEvent("song", { detail: job }));
}

function clear() {
  stop();
  player?.remove();
  player = null;
  chosen = null;
  find("chosen").hidden = true;
  if (song) announce(null);
}

// Where a browser keeps no data of sites, the song that was added last is chosen.
function remember(id) {
  try {
    sessionStorage.setItem("song", id);
  } catch {}
}

function remembered() {
  try {
    return sessionStorage.getItem("song");
  } catch {
    return null;
  }
}

function choose(job) {
  if (job.id === chosen) return;
  clear();
  chosen = job.id;
  remember(chosen);
  find("chosen").hidden = false;
  find("chosen-name").textContent = job.name;
  find("chosen-summary").textContent = "";
  find("chosen-legend").textContent = "";
  tell(job.state === "done" ? "" : waitingFor(job));
  tellNotes([]);
  list();
  if (job.state === "done") {
    decoded(job, job.result).then(() => analysed(job, job.result));
    return;
  }
  let drawn = Promise.resolve();
  stop = events(job, (event) => {
    if (event.type === "lost") tell("The server can't be reached; trying again …");
    if (event.type === "waiting") tell(waitingFor(event));
    if (event.type === "decoded") drawn = decoded(job, event);
    if (event.type === "analysis") {
      Object.assign(job, { state: "done", result: { ...job.result, analysis: event.analysis } });
      drawn.then(() => analysed(job, job.result));
      list();
    }
    if (event.type === "state" && event.state === "failed") {
      Object.assign(job, event);
      tell("");
      tellNotes([event.error], "problem");
      list();
    }
  });
}

async function decoded(job, result) {
  job.result = result;
  if (!result.analysis) tell("Listening for beats, bars and sections …");
  tellNotes(result.notes);
  try {
    const peaks = await peaksOf(job);
    if (job.id !== chosen || player) return;
    player = new Player(find("chosen-player"), { job, seconds: result.seconds, peaks, name: job.name });
  } catch (error) {
    tellNotes([error.message], "problem");
  }
}

function analysed(job, { analysis }) {
  if (job.id !== chosen) return;
  if (player) player.wave.analysis = analysis;
  tell("");
  const sections = analysis.sections.map(({ label, begin }) => `${label} at ${clock(begin)}`);
  const parts = [clock(analysis.seconds), analysis.summary, sections.length > 1 ? `sections ${sections.join(", ")}` : ""];
  find("chosen-summary").textContent = parts.filter(Boolean).join(" · ");
  const ticks = analysis.downbeats.length ? "; the ticks are its bars" : "";
  find("chosen-legend").textContent = `The line is how lively the music is${ticks}.`;
  announce(job);
}

const waitingFor = ({ ahead }) => (ahead ? `${ahead} before yours` : "Reading the song …");
const tell = (text) => (find("chosen-state").textContent = text);

function tellNotes(notes, kind = "") {
  find("chosen-notes").className = `notes ${kind}`;
  find("chosen-notes").replaceChildren(...notes.map((textContent) => make("li", { textContent })));
}

function list() {
  find("before").hidden = !songs.size;
  const rows = [...songs.values()].reverse().map((job) => {
    const use = button(job.name, () => choose(job));
    use.setAttribute("aria-pressed", job.id === chosen);
    if (job.state === "failed") use.append(make("span", { className: "problem", textContent: ": failed" }));
    return make("li", { className: "row" }, use, makeSure(button("Delete", null, `Delete ${job.name}`), () => forget(job)));
  });
  find("songs").replaceChildren(...rows);
}

async function forget(job) {
  try {
    await discard(job);
  } catch (error) {
    say(error.message);
    return;
  }
  songs.delete(job.id);
  if (job.id === chosen) clear();
  list();
  say(`${job.name} and its takes are deleted.`);
}

function take(job) {
  songs.set(job.id, job);
  choose(job);
}

async function send(file) {
  if (!file) return;
  find("upload").hidden = false;
  find("upload-name").textContent = `Sending ${file.name}`;
  find("upload-progress").value = 0;
  try {
    take(await upload("songs", file, (part) => (find("upload-progress").value = part)));
  } catch (error) {
    say(error.message);
  }
  find("upload").hidden = true;
}

find("file").onchange = () => {
  send(find("file").files[0]);
  find("file").value = ""; // so that the same file can be chosen again
};

for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    find("drop").classList.add("over");
  });
}
addEventListener("dragleave", (event) => event.relatedTarget ?? find("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  if (!find("song").hidden) send(event.dataTransfer.files[0]);
});

document.addEventListener("ready", async ({ detail: about }) => {
  const { upload_bytes: bytes, minutes } = about.limits;
  find("upload-limits").textContent = `up to ${Math.round(bytes / 2 ** 20)} MB and ${count(minutes, "minute")}`;
  if (about.library) new Library((path) => post("library/songs", { path }).then(take));
  try {
    for (const job of (await get("jobs")).reverse()) if (job.kind === "song") songs.set(job.id, job);
  } catch (error) {
    say(error.message);
  }
  list();
  const last = songs.get(remembered()) ?? [...songs.values()].at(-1);
  if (last && !chosen) choose(last);
});
