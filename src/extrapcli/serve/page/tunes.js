// The tunes that were written, the newest first.

import { discard, finished, get, post, soundOf } from "./api.js";
import { find, make, makeSure, say } from "./dom.js";
import { downloads } from "./files.js";
import { fromSeconds, inWords } from "./notes.js";
import { PianoRoll } from "./roll.js";
import { count } from "./words.js";

const FORMATS = ["mid", "musicxml", "svg", "wav", "mp3"];

const tunes = []; // oldest first

/** Have a tune written. The same wish again gives another tune. */
export async function write(request) {
  const wish = ({ random_seed: _, ...rest }) => JSON.stringify(Object.entries(rest).sort());
  const same = tunes.filter((tune) => wish(tune.job.request) === wish(request));
  const numbers = same.map((tune) => tune.job.request.random_seed);
  const tune = new Tune(await post("tunes", { ...request, random_seed: Math.max(-1, ...numbers) + 1 }));
  place(tune);
  tune.root.open = true;
  tune.root.scrollIntoView({ block: "nearest" });
}

function place(tune) {
  tunes.push(tune);
  find("tunes").prepend(tune.root);
  find("tunes-area").hidden = false;
}

class Tune {
  constructor(job) {
    this.job = job;
    this.name = `Tune ${job.number}`;
    this.state = make("span", { className: "hint" });
    this.about = make("span");
    this.body = make("div", { className: "tune-body" });
    const summary = make("summary", {}, make("strong", { textContent: this.name }), " ", this.about, " ", this.state);
    this.root = make("details", { className: "card tune" }, summary, this.body);
    this.root.ontoggle = () => this.root.open && this.#fill();
    this.#describe();
    if (job.state === "done") return;
    this.#tell(job.state === "failed" ? job.error : "Waiting …");
    if (job.state !== "failed") this.#wait();
  }

  async #wait() {
    try {
      this.job = await finished(this.job, ({ type, state, ahead }) => {
        if (type === "waiting") this.#tell(ahead ? `${ahead} before yours` : "Waiting …");
        if (state === "working") this.#tell("Writing …");
      });
      this.#describe();
      this.#tell("");
      say(`${this.name} is written.`);
    } catch (error) {
      this.job.state = "failed";
      this.#tell(error.message);
    }
    this.body.replaceChildren();
    if (this.root.open) this.#fill();
  }

  #describe() {
    const { request, result } = this.job;
    const { bars, metre } = result ?? request;
    const length = bars && `${result ? "" : "up to "}${count(bars, "bar")}${metre ? ` of ${metre}` : ""}`;
    this.about.textContent = [length, `${request.tempo} quarters a minute`].filter(Boolean).join(", ");
  }

  #tell(text) {
    this.state.textContent = text;
  }

  // Only of tunes that are open, as each loads a score.
  #fill() {
    if (this.body.childElementCount) return;
    if (this.job.state === "done") this.body.append(...this.#music());
    const away = makeSure(make("button", { type: "button", textContent: "Delete", "aria-label": `Delete ${this.name}` }), () => this.#remove());
    const another = make("button", { type: "button", textContent: "Another one", onclick: () => this.#another() });
    const row = make("div", { className: "row" }, another, away);
    if (this.job.state === "done") row.prepend(downloads(this.job, FORMATS, this.name));
    this.body.append(row);
  }

  #music() {
    const { result, request, id } = this.job;
    const notes = fromSeconds(result.notes, request.tempo);
    const words = inWords(notes);
    const score = make("div", { className: "score", tabIndex: 0, role: "region", "aria-label": `Score of ${this.name}` },
      make("img", { src: `api/jobs/${id}/score`, alt: `Score of ${this.name}: ${words.split(", ").slice(0, 8).join(", ")} and so on` }));
    const remarks = result.remarks.map((textContent) => make("li", { textContent }));
    const audio = make("audio", { controls: true, preload: "none", src: soundOf(this.job), "aria-label": this.name });
    const roll = new PianoRoll();
    roll.draw(notes, { metre: result.metre, seed: (result.begun * request.tempo) / 15 });
    follow(audio, (seconds) => roll.point(seconds === null ? null : (seconds * request.tempo) / 15));
    return [
      score,
      audio,
      roll.element,
      make("p", { className: "hint", textContent: "The paler notes are those that you gave." }),
      make("ul", { className: "notes" }, ...remarks),
      make("details", {}, make("summary", { textContent: "In words" }), make("p", { className: "hint", textContent: words })),
    ];
  }

  async #another() {
    await write(this.job.request).catch((error) => say(error.message));
  }

  async #remove() {
    try {
      await discard(this.job);
    } catch (error) {
      say(error.message);
      return;
    }
    tunes.splice(tunes.indexOf(this), 1);
    this.root.remove();
    find("tunes-area").hidden = !tunes.length;
    find("tunes-area").querySelector("summary")?.focus();
    say(`${this.name} is deleted.`);
  }
}

/** Calls `point` with where a sound is for as long as it plays, and with null at its end. */
function follow(audio, point) {
  let frame;
  const step = () => {
    cancelAnimationFrame(frame);
    point(audio.ended ? null : audio.currentTime);
    if (!audio.paused && audio.isConnected) frame = requestAnimationFrame(step);
  };
  for (const event of ["play", "seeked", "ended"]) audio.addEventListener(event, step);
}

document.addEventListener("ready", async ({ detail: about }) => {
  if (!about.has_melody) return;
  try {
    for (const job of (await get("jobs")).reverse()) if (job.kind === "tune") place(new Tune(job));
  } catch (error) {
    say(error.message);
  }
  if (tunes.length) tunes.at(-1).root.open = true;
});
