// The takes of the chosen song, side by side.

import { discard as discardJob, get, post } from "./api.js";
import { Comparison } from "./compare.js";
import { find, say } from "./dom.js";
import { currentSong } from "./song.js";
import { Take } from "./take.js";
import { clock } from "./words.js";

let about = null;
let takes = []; // in the order in which they were asked for
const comparison = new Comparison(() => takes);

/** Have a track of the chosen song made. Its sound begins to play as soon as there is some, `from` a moment of it. */
export async function makeTake(request, from = 0) {
  comparison.end();
  const song = currentSong();
  const job = await post(`songs/${song.id}/tracks`, request);
  if (song !== currentSong()) return; // it is there when that song is chosen again
  const take = add(job, null, from);
  take.root.scrollIntoView({ block: "nearest" });
  say(`${take.name} is on its way.`);
}

/** The least seed that none of the takes has, so that each take is another one. */
export function freeSeed() {
  const used = new Set(takes.map((take) => take.job.request.seed));
  let seed = 0;
  while (used.has(seed)) seed += 1;
  return seed;
}

function add(job, report = null, from = null) {
  const take = new Take(job, {
    about, report, from,
    origin: originOf(job.request), another, again, remove: discard, playing,
  });
  takes.push(take);
  find("takes").append(take.root);
  show();
  return take;
}

function show() {
  find("takes-area").hidden = !takes.length;
  find("compare").hidden = takes.length < 2;
}

// Where another take plays, this one goes on at the same moment.
function playing(take) {
  const other = takes.find((each) => each !== take && each.player?.playing);
  if (other) take.player.wave.time = other.player.wave.time;
}

function another(take, join) {
  const request = { ...take.job.request };
  const known = new Set(takes.map((other) => JSON.stringify(other.job.request)));
  request.another = (request.another ?? []).filter((number) => number <= join.number);
  do request.another = [...request.another, join.number];
  while (known.has(JSON.stringify(request)));
  makeTake(request, Math.max(0, join.seconds - 3)).catch(tell);
}

async function again(take) {
  try {
    await makeTake(take.job.request);
    await discard(take);
  } catch (error) {
    tell(error);
  }
}

async function discard(take) {
  try {
    await discardJob(take.job);
  } catch (error) {
    tell(error);
    return;
  }
  take.remove();
  takes = takes.filter((other) => other !== take);
  show();
  say(`${take.name} is gone.`);
}

const tell = (error) => say(error.message);

/** In words: which take a request goes another way from, and where. */
function originOf(request) {
  const ways = request.another ?? [];
  if (!ways.length) return "";
  const at = ways.at(-1);
  const same = (other) => {
    const kept = (other.another ?? []).filter((number) => number <= at);
    return JSON.stringify({ ...other, another: kept }) === JSON.stringify({ ...request, another: ways.slice(0, -1) });
  };
  const origin = takes.findLast((take) => same(take.job.request));
  const join = origin?.joins.get(at);
  return `the same as ${origin?.name ?? "an earlier take"} up to join ${at}${join ? ` at ${clock(join.seconds)}` : ""}`;
}

async function load(song) {
  comparison.end();
  find("favourite").textContent = "";
  takes.forEach((take) => take.remove());
  takes = [];
  show();
  if (!song) return;
  try {
    const jobs = (await get("jobs")).reverse().filter((job) => !takes.some((take) => take.job.id === job.id));
    if (currentSong()?.id !== song.id) return;
    const measured = jobs.filter((job) => job.kind === "report" && job.state === "done");
    const reports = new Map(measured.map((job) => [job.parent, job]));
    for (const job of jobs) if (job.kind === "track" && job.parent === song.id) add(job, reports.get(job.id));
  } catch (error) {
    tell(error);
  }
}

document.addEventListener("ready", ({ detail }) => (about = detail));
document.addEventListener("song", ({ detail }) => load(detail));
