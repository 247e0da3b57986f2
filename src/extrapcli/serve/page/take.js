// One take: a track as it is made and when it is done.

import { events, finished, known, peaksOf, post } from "./api.js";
import { button, make, makeSure, say, throttled } from "./dom.js";
import { downloads } from "./files.js";
import { Joins } from "./joins.js";
import { Player } from "./player.js";
import { describe, rate, waiting } from "./take-words.js";
import { clock } from "./words.js";

const REFRESH_MS = 500;

export class Take {
  player = null;
  done = false;
  joins = new Map(); // by number

  /**
   * origin: what it shares with another take, in words; report: its job, if there is one;
   * from: play from there as soon as there is sound, null for not at all;
   * another(take, join), again(take), remove(take), playing(take): what is called when the user asks for it.
   */
  constructor(job, wishes) {
    Object.assign(this, { job, wishes, name: `Take ${job.number}` });
    this.title = make("h3");
    this.about = make("p", { className: "hint", textContent: describe(job.request, wishes.origin) });
    this.status = make("p", { className: "take-status" });
    this.notes = make("ul", { className: "notes" });
    this.place = make("div");
    this.choice = make("div");
    const { model = "recall", new: share } = job.request;
    const goesAnotherWay = model === "recall" && !share;
    this.list = new Joins({ goesAnotherWay, hear: (join) => this.#hear(join), another: (join) => wishes.another(this, join) });
    this.actions = make("div", { className: "row actions" });
    this.open = make("div", { className: "take-open" }, this.about, this.status, this.notes, this.list.root, this.actions);
    this.root = make("article", { className: "card take" }, this.title, this.place, this.choice, this.open);
    this.disguise(null);
    if (job.state === "done") this.#finish(job);
    else if (job.state === "failed") this.#failed(job.error);
    else this.#follow();
  }

  /** Show it as `letter`, with a button to choose it by, or as itself for null. */
  disguise(letter, choice = null) {
    const name = letter ?? this.name;
    this.title.textContent = name;
    this.root.setAttribute("aria-label", name);
    this.player?.rename(name);
    this.choice.replaceChildren(...(choice ? [choice] : []));
    this.root.classList.toggle("disguised", letter !== null);
  }

  remove() {
    this.stop?.();
    this.player?.remove();
    this.root.remove();
  }

  #follow() {
    this.actions.replaceChildren(button("Cancel", () => this.wishes.remove(this), `Cancel ${this.name}`));
    this.#tell(waiting(this.job));
    const draw = throttled(() => this.#drawPeaks(), REFRESH_MS);
    this.stop = events(this.job, (event) => {
      if (event.type === "lost") this.#tell("The server can't be reached; trying again …");
      if (event.type === "waiting") this.#tell(waiting(event));
      if (event.type === "begun") this.#begun(event);
      if (event.type === "made") this.#made(event.seconds, draw);
      if (event.type === "join") this.#join(event.join);
      if (event.type === "note") this.#note(event.note);
      if (event.state === "working" && !this.player) this.#tell("Finding a way on from your song …");
      if (event.state === "failed") this.#failed(event.error);
      if (event.state === "done") this.#fetch();
    });
  }

  #begun({ seconds, song_seconds: head }) {
    if (this.player) return; // told again after a lost connection
    const { name, job } = this;
    const before = () => this.wishes.playing(this);
    this.player = new Player(this.place, { job, seconds, peaks: new Uint8Array(), name, before });
    this.player.wave.sections = [
      { begin: 0, end: head, label: "your song", kind: "song" },
      { begin: head, end: seconds, label: "new music", kind: "new" },
    ];
    if (this.wishes.from !== null) this.player.play(this.wishes.from);
  }

  #made(seconds, draw) {
    if (!this.player) return;
    this.player.wave.made = seconds;
    this.#tell(`Making it: ${clock(seconds)} of ${clock(this.player.wave.seconds)}`);
    draw();
  }

  async #drawPeaks() {
    try {
      this.player.wave.peaks = await peaksOf(this.job);
    } catch {
      if (this.done && this.root.isConnected) setTimeout(() => this.#drawPeaks(), REFRESH_MS);
    }
  }

  #join(join) {
    this.joins.set(join.number, join);
    this.list.add(join, this.player.wave);
  }

  #hear(join) {
    this.player.play(Math.max(0, join.seconds - 3), join.seconds + 3);
  }

  async #fetch() {
    try {
      this.#finish(await known(this.job));
      say(`${this.name} is ready.`);
    } catch (error) {
      this.#failed(error.message);
    }
  }

  #finish(job) {
    this.#begun(job.result);
    this.job = job;
    this.done = true;
    const { seconds, joins, notes, rating } = job.result;
    this.player.wave.made = seconds;
    this.#drawPeaks();
    for (const join of joins) this.#join(join);
    this.notes.replaceChildren();
    for (const note of notes) this.#note(note);
    this.#tell(rating ? rate(rating, joins) : "");
    const { formats, has_report: hasReport } = this.wishes.about;
    const away = makeSure(button("Delete", null, `Delete ${this.name}`), () => this.wishes.remove(this));
    this.actions.replaceChildren(downloads(job, formats, this.name), ...(hasReport ? [this.#report()] : []), away);
  }

  #report() {
    if (this.wishes.report) return this.#reportLink(this.wishes.report);
    const ask = button("Report", async () => {
      ask.disabled = true;
      ask.textContent = "Measuring …";
      try {
        const report = await finished(await post(`jobs/${this.job.id}/report`));
        ask.replaceWith(this.#reportLink(report));
        say(`The report on ${this.name} is ready.`);
      } catch (error) {
        say(error.message);
        ask.disabled = false;
        ask.textContent = "Report";
      }
    }, `Report on ${this.name}`);
    return ask;
  }

  #reportLink(report) {
    return make("a", {
      className: "button", href: `api/jobs/${report.id}/page`, target: "_blank", rel: "noopener",
      textContent: "Open the report", "aria-label": `Open the report on ${this.name} in a new tab`,
    });
  }

  #failed(sentence) {
    this.#tell(sentence ?? "That didn't work.");
    this.status.classList.add("problem");
    const again = button("Try again", () => this.wishes.again(this), `Try again to make ${this.name}`);
    const away = button("Delete", () => this.wishes.remove(this), `Delete ${this.name}`);
    this.actions.replaceChildren(again, away);
  }

  #tell(text) {
    this.status.textContent = text;
  }

  #note(note) {
    this.notes.append(make("li", { textContent: note }));
  }
}
