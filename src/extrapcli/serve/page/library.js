// The songs in the folder that the server was given.

import { get } from "./api.js";
import { find, make, say } from "./dom.js";

const FEW = 20; // need no filter
const MOST = 300; // are listed

export class Library {
  /** `use` is called with the path of the song that is chosen, and returns a promise. */
  constructor(use) {
    find("library").onsubmit = (event) => {
      event.preventDefault();
      const path = find("library-song").value;
      if (path) use(path).catch((error) => say(error.message));
    };
    find("library-filter").oninput = () => this.#list();
    this.#fetch();
  }

  async #fetch() {
    try {
      this.paths = await get("library");
    } catch (error) {
      say(error.message);
      return;
    }
    find("library").hidden = !this.paths.length;
    find("library-filter").hidden = this.paths.length <= FEW;
    this.#list();
  }

  #list() {
    const words = find("library-filter").value.toLowerCase().split(/\s+/);
    const found = this.paths.filter((path) => words.every((word) => path.toLowerCase().includes(word)));
    const options = found.slice(0, MOST).map((path) => make("option", { value: path, textContent: path }));
    const more = found.length - MOST;
    const remark = more > 0 ? `and ${more} more: filter to see them` : "Nothing like that";
    if (more > 0 || !options.length) options.push(make("option", { disabled: true, textContent: remark }));
    find("library-song").replaceChildren(...options);
  }
}
