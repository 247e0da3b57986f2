"use strict";
const AROUND = 3;
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const { song, track, head, joins, found } = data;
const player = $("track");

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
const percent = share => `${100 * share}%`;
const clock = seconds => {
  const [hours, minutes, rest] = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(Math.floor);
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
};

function load(audio, base64) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  audio.addEventListener("error", () => audio.replaceWith("This browser cannot play Ogg Opus; a newer one can."));
  audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/ogg" }));
}

function timeTicks(begin, end, most) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
  const step = steps.find(step => (end - begin) / step <= most) ?? 14400;
  const ticks = [];
  for (let t = Math.ceil(begin / step) * step; t <= end; t += step) ticks.push([clock(t), (t - begin) / (end - begin)]);
  return ticks.filter(([, share]) => share < 0.985);
}

function timeAxis(axis, begin, end) {
  new ResizeObserver(() => {
    const ticks = timeTicks(begin, end, axis.clientWidth / 64);
    axis.replaceChildren(...ticks.map(([label, share]) => make("i", { textContent: label, style: `left:${percent(share)}` })));
  }).observe(axis);
}

function sideTicks(row, ticks) {
  row.append(...ticks.map(([label, share]) => make("i", { textContent: label, style: `bottom:${percent(share)}` })));
}

function scale(place, low, picture, high) {
  place.append(low, make("img", { src: picture, alt: "" }), high);
}

function seekOnClick(plot, seek) {
  plot.addEventListener("click", event => {
    if (event.target.closest("button")) return;
    const box = plot.getBoundingClientRect();
    seek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  });
}

// the analysis: one path for each colour, in seconds from left to right and 0 to 100 from the top
function drawPaths(row, seconds, ...paths) {
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const picture = svg("svg", { viewBox: `0 0 ${seconds} 100`, preserveAspectRatio: "none", "aria-hidden": true });
  picture.append(...paths.map(path => svg("path", path)));
  row.replaceChildren(picture);
}

const boxes = spans => spans.map(([begin, end]) => `M${begin},0H${end}V100H${begin}Z`).join("");

function drawSpans(row, seconds, spans) {
  const colours = new Map();
  for (const { begin, end, colour } of spans) colours.set(colour, [...colours.get(colour) ?? [], [begin, end]]);
  new ResizeObserver(() => {
    drawPaths(row, seconds, ...Array.from(colours, ([fill, spans]) => ({ d: boxes(spans), fill })));
    const roomy = spans.filter(({ begin, end, name }) => (end - begin) / seconds * row.clientWidth > 6 + 8 * name.length);
    row.append(...roomy.map(({ begin, end, name }) => make("i", {
      textContent: name, style: `left:${percent(begin / seconds)}; width:${percent((end - begin) / seconds)}`,
    })));
  }).observe(row);
}

function drawBars(row, seconds, { bars, beats }) {
  new ResizeObserver(() => {
    const width = found.bar_seconds / seconds * row.clientWidth; // of a bar, in pixels
    const spaced = room => 2 ** Math.max(0, Math.ceil(Math.log2(room / width)));
    const every = count => bars.filter(([, number]) => (number - 1) % count === 0);
    const lines = (times, end) => times.map(time => `M${time},0V${end}`).join("");
    drawPaths(row, seconds,
      { d: width / found.metre >= 6 ? lines(beats, 22) : "" },
      { d: lines(every(spaced(6)).map(([time]) => time), 42) },
    );
    const numbered = every(spaced(44)).filter(([time], k, all) => !k || (time - all[k - 1][0]) / seconds * row.clientWidth >= 24);
    row.append(...numbered.map(([time, number]) => make("i", { textContent: number, style: `left:clamp(0.3rem, ${percent(time / seconds)}, 100% - 0.7rem)` })));
  }).observe(row);
}

function drawForm(place, seconds, form) {
  const [sections, bars] = ["row sections", "row bars"].map(className => make("div", { className }));
  place.append(sections);
  drawSpans(sections, seconds, form.sections);
  if (!found.bar_seconds) return;
  place.append(bars);
  drawBars(bars, seconds, form);
}

// text and sound
document.title = `${track.name} – extrap evaluate`;
$("title").textContent = track.name;
for (const id of ["headline", "versions"]) $(id).textContent = data[id];
for (const [id, sound] of Object.entries({ song, track })) {
  $(`${id}-name`).textContent = sound.name;
  load($(id), sound.audio);
}
$("song").addEventListener("play", () => player.pause());
player.addEventListener("play", () => $("song").pause());

// the track over time
$("waveform").setAttribute("d", data.waveform);
$("loudness").setAttribute("d", data.loudness.path);
for (const y of ["y1", "y2"]) $("song-loudness").setAttribute(y, 100 * (1 - data.loudness.song));
$("song-level").textContent = `loudness of the song, ${data.loudness.text}`;
$("spectrogram").src = data.spectrogram;
sideTicks($("frequencies"), data.frequencies);
sideTicks($("levels"), data.loudness.ticks);
if (data.mood) {
  $("mood").hidden = false;
  for (const id of ["wanted", "reached"]) $(id).setAttribute("d", data.mood[id]);
  sideTicks($("moods"), data.mood.ticks);
}
timeAxis($("track-axis"), 0, track.seconds);
$("head").style.left = percent(head / track.seconds);

let stopAt = null;
let chosen = -1;

function playAround(k) {
  const join = joins[chosen = k];
  const begin = Math.max(0, join.seconds - AROUND);
  player.currentTime = begin;
  stopAt = Math.min(join.seconds + AROUND, track.seconds);
  Object.assign($("excerpt").style, { left: percent(begin / track.seconds), width: percent((stopAt - begin) / track.seconds) });
  $("excerpt").hidden = false;
  marks.forEach((mark, other) => mark.classList.toggle("chosen", other === k));
  describe(k);
  player.play().catch(() => {}); // a pause that follows at once is no error
}

function describe(k) {
  const { text, reason, places } = joins[k];
  $("join-text").textContent = text + (reason ? ` It stands out: ${reason}.` : "");
  ["leaves", "enters"].forEach((id, side) => {
    $(id).hidden = !places;
    if (places) $(id).style.left = percent(places[side] / song.seconds);
  });
}

function release() {
  stopAt = null;
  $("excerpt").hidden = true;
}

const marks = joins.map((join, k) => {
  const name = `join at ${join.at}` + (join.way ? `, ${join.way}` : "") + (join.reason ? `, stands out: ${join.reason}` : "");
  const mark = make("button", { className: join.reason ? "join outstanding" : "join", title: name, onclick: () => playAround(k), onfocus: () => describe(k) });
  mark.setAttribute("aria-label", name);
  mark.style.left = percent(join.seconds / track.seconds);
  return mark;
});
$("lane").append(...marks);
$("lane").style.setProperty("--joins", joins.length);
new ResizeObserver(([{ target }]) => target.style.setProperty("--drop", `${target.clientHeight - $("lane").offsetHeight - $("track-axis").offsetHeight}px`)).observe($("track-plot"));

seekOnClick($("track-plot"), share => {
  release();
  player.currentTime = share * track.seconds;
});

function follow() {
  $("playhead").style.left = percent(player.currentTime / track.seconds);
  if (stopAt !== null && player.currentTime >= stopAt) {
    player.pause();
    release();
  }
}
function animate() {
  follow();
  if (!player.paused) requestAnimationFrame(animate);
}
player.addEventListener("play", animate);
player.addEventListener("timeupdate", follow);
player.addEventListener("seeking", () => {
  if (stopAt !== null && Math.abs(player.currentTime - joins[chosen].seconds) > AROUND + 0.1) release();
  follow();
});

$("step").hidden = !joins.length;
$("next").onclick = () => playAround((chosen + 1) % joins.length);
$("previous").onclick = () => playAround((Math.max(chosen, 0) - 1 + joins.length) % joins.length);
joins.forEach((join, k) => {
  if (!join.reason) return;
  const button = make("button", { textContent: join.at, onclick: () => playAround(k) });
  button.setAttribute("aria-label", `play the join at ${join.at}`);
  $("standouts").append(make("li", {}, button, make("span", { textContent: join.way ? `${join.way}: ${join.reason}` : join.reason })));
});
$("standouts").hidden = !$("standouts").children.length;

// what is found in the song
$("found").textContent = found.words;
$("song-waveform").setAttribute("d", found.waveform);
$("energy").setAttribute("d", found.energy);
sideTicks($("energies"), [["0", 0], ["1", 1]]);
for (const caption of document.querySelectorAll(".form-caption")) caption.textContent = found.bar_seconds ? "sections and bars" : "sections";
if (joins.some(join => join.layer === "harmonic")) $("played").textContent = ", as its harmonic layer plays them";
drawForm($("song-form"), song.seconds, found.song);
drawForm($("track-form"), track.seconds, found.track);
if (data.new) {
  $("new").hidden = false;
  drawPaths($("new-bars"), track.seconds, { d: boxes(data.new.spans) });
  for (const { name, sections } of data.new.layers) {
    const row = make("div", { className: "row sections" });
    $("new").append(make("div", { className: "row" }, make("i", { textContent: name, style: "bottom:50%" }), row));
    drawSpans(row, track.seconds, sections);
  }
}
drawSpans($("chords"), song.seconds, found.chords);
drawPaths($("voice"), song.seconds, { d: boxes(found.voice) });
if (!found.voice.length) $("voice-caption").textContent = "no voice is heard";
timeAxis($("song-axis"), 0, song.seconds);
$("places-key").hidden = !joins.some(join => join.places);
seekOnClick($("song-plot"), share => { $("song").currentTime = share * song.seconds; });
for (const event of ["timeupdate", "seeking"]) {
  $("song").addEventListener(event, () => { $("song-playhead").style.left = percent($("song").currentTime / song.seconds); });
}

// the song beside its continuation
for (const stretch of data.compared) {
  const caption = make("p", { className: "caption", textContent: `${stretch.title}, Hz` });
  const row = make("div", { className: "row spectrogram" }, make("img", { src: stretch.picture, alt: `spectrogram of ${stretch.title}` }));
  const axis = make("div", { className: "axis" });
  sideTicks(row, data.frequencies);
  $("compared").append(make("div", { className: "plot" }, caption, row, axis));
  timeAxis(axis, stretch.begin, stretch.end);
}
scale($("decibels"), `-${data.decibels.range} dB`, data.decibels.colours, "0 dB, the loudest");

// where the track repeats itself
$("similarity").src = data.similarity.picture;
$("square").append(
  make("div", { className: "across", style: `bottom:${percent(head / track.seconds)}` }),
  make("div", { className: "up", style: `left:${percent(head / track.seconds)}` }),
);
timeAxis($("square-axis"), 0, track.seconds);
sideTicks($("square"), timeTicks(0, track.seconds, 6));
scale($("similarity-scale"), "different", data.similarity.colours, "the same");

// measures
for (const name of data.controls) $("measures").tHead.rows[0].append(make("th", { scope: "col", textContent: name }));
for (const group of data.groups) {
  const heading = make("th", { scope: "colgroup", colSpan: 2 + data.controls.length, textContent: group.name });
  const body = make("tbody", {}, make("tr", {}, heading));
  for (const row of group.rows) {
    const name = make("div", { className: "name" }, row.title, make("span", { className: "better", textContent: row.better }));
    const title = make("th", { scope: "row" }, name, make("p", { textContent: row.sentence }));
    const cells = [row.value, ...row.controls].map((value, k) => {
      const cell = make("td", { textContent: value, className: k ? "" : "value" });
      cell.dataset.label = k ? data.controls[k - 1] : "this track";
      return cell;
    });
    body.append(make("tr", {}, title, ...cells));
  }
  $("measures").append(body);
}
