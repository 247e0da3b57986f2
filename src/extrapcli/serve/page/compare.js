// A blind comparison: takes in a random order, without anything that tells which is which.

import { button, find } from "./dom.js";

const letterOf = (i) => String.fromCharCode(65 + (i % 26)).repeat(1 + Math.floor(i / 26));

export class Comparison {
  /** `takes` returns the takes in their usual order. */
  constructor(takes) {
    this.takes = takes;
    find("blind").onchange = () => (find("blind").checked ? this.begin() : this.end());
    find("reveal").onclick = () => {
      this.end();
      find("blind").focus();
    };
  }

  begin() {
    this.favourite = null;
    this.letters = new Map(shuffled(this.takes().filter((take) => take.done)).map((take, i) => [take, letterOf(i)]));
    for (const [take, letter] of this.letters) {
      take.disguise(letter, this.#choice(take));
      find("takes").append(take.root);
    }
    this.#show(true, "Listen, and mark the one you like best; the moment stays the same when you switch. Reveal says which is which.");
  }

  end() {
    if (!this.letters) return;
    for (const take of this.takes()) {
      take.disguise(null);
      find("takes").append(take.root);
    }
    const best = this.favourite && `You liked ${this.letters.get(this.favourite)} best: ${this.favourite.name}.`;
    const all = [...this.letters].map(([take, letter]) => `${letter} is ${take.name}`).join(", ");
    this.letters = null;
    this.#show(false, [best, `${all}.`].filter(Boolean).join(" "));
  }

  #show(blind, text) {
    find("blind").checked = blind;
    find("reveal").hidden = !blind;
    find("takes").classList.toggle("blind", blind);
    find("favourite").textContent = text;
  }

  #choice(take) {
    const choice = button("I like this one best", () => {
      this.favourite = this.favourite === take ? null : take;
      for (const other of find("takes").querySelectorAll(".favourite")) {
        other.setAttribute("aria-pressed", other === choice && this.favourite === take);
      }
    });
    choice.className = "favourite";
    choice.setAttribute("aria-pressed", false);
    return choice;
  }
}

function shuffled(items) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}
