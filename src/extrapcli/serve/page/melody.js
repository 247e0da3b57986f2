// Writing the rest of a tune.

import { find } from "./dom.js";
import { beginning } from "./seed.js";
import { write } from "./tunes.js";

const number = (id) => Number(find(id).value);

find("tune-form").onsubmit = async (event) => {
  event.preventDefault();
  const begun = beginning();
  find("tune-problem").textContent = begun ? "" : "Play some notes first, or take them from a file.";
  if (!begun) return;
  try {
    await write({
      ...begun,
      metre: find("tune-metre").value,
      tempo: number("tune-tempo"),
      bars: number("tune-bars"),
      temperature: number("tune-temperature"),
    });
  } catch (error) {
    find("tune-problem").textContent = error.message;
  }
};

document.addEventListener("ready", ({ detail: about }) => {
  find("melody-missing").hidden = about.has_melody;
  find("melody-view").hidden = !about.has_melody;
});
