// Downloads: the server writes a file of what was made, and the browser fetches it.

import { finished, post } from "./api.js";
import { make, say } from "./dom.js";

const NAMES = { mid: "MIDI", musicxml: "MusicXML", svg: "Score (SVG)" }; // where they aren't the format in capitals
const nameOf = (format) => NAMES[format] ?? format.toUpperCase();

/** A choice of formats and a button that downloads `job` in one of them. `more()` gives further wishes of the request. */
export function downloads(job, formats, name, more = () => ({})) {
  const options = formats.map((format) => make("option", { value: format, textContent: nameOf(format) }));
  const select = make("select", { "aria-label": `Format of ${name}` }, ...options);
  const button = make("button", { type: "button", textContent: "Download", "aria-label": `Download ${name}` });
  const notes = make("ul", { className: "notes" });
  button.onclick = async () => {
    button.disabled = true;
    notes.replaceChildren();
    try {
      say(`Writing ${name} as ${nameOf(select.value)} …`);
      const file = await finished(await post(`jobs/${job.id}/files`, { format: select.value, ...more() }));
      say(`Downloading ${name}.`);
      const told = job.result.notes ?? [];
      notes.append(...file.result.notes.filter((note) => !told.includes(note)).map((textContent) => make("li", { textContent })));
      make("a", { href: `api/jobs/${file.id}/file`, download: "" }).click();
    } catch (error) {
      say(error.message);
    }
    button.disabled = false;
  };
  return make("div", { className: "row" }, select, button, notes);
}
