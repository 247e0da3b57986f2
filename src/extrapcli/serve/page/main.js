// The page as a whole: signing in and tabs. Tells the other modules with "ready" that they may begin.

import { get, post } from "./api.js";
import { find, oneStop } from "./dom.js";

const tabs = [...find("tabs").children];
const panelOf = (tab) => find(tab.getAttribute("aria-controls"));
let ready = false;

function show(tab) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", other === tab);
    panelOf(other).hidden = other !== tab;
  }
  oneStop(tabs, tab);
  const name = panelOf(tab).id;
  find("song").hidden = name === "melody";
  document.title = `${tab.textContent} – extrap`;
  document.dispatchEvent(new CustomEvent("tab", { detail: name }));
}

const showHash = () => show(tabs.find((tab) => `#${panelOf(tab).id}` === location.hash) ?? tabs[0]);

function choose(tab) {
  history.pushState(null, "", `#${panelOf(tab).id}`); // setting location.hash would scroll to the panel
  show(tab);
}

for (const tab of tabs) tab.onclick = () => choose(tab);

find("tabs").onkeydown = (event) => {
  const at = tabs.indexOf(document.activeElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const tab = tabs.at(to % tabs.length);
  tab.focus();
  choose(tab);
};

async function begin() {
  let about;
  try {
    const session = await get("session");
    if (!session.signed_in) return askForToken();
    about = await get("about");
  } catch (error) {
    return problem(error.message);
  }
  find("sign-in").hidden = true;
  find("tabs").hidden = false;
  showHash();
  if (ready) return;
  ready = true;
  addEventListener("popstate", showHash);
  document.dispatchEvent(new CustomEvent("ready", { detail: about }));
}

function problem(sentence) {
  find("sign-in").hidden = false;
  find("sign-in-problem").textContent = sentence;
}

function askForToken() {
  find("sign-in").hidden = false;
  find("token").focus();
}

document.addEventListener("signed-out", askForToken);

find("sign-in").onsubmit = async (event) => {
  event.preventDefault();
  find("sign-in-problem").textContent = "";
  try {
    await post("session", { token: find("token").value.trim() });
    await begin();
  } catch (error) {
    problem(error.message);
  }
};

/** Sign in with the token that a link has after its `#`. */
async function followLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token && ready) return;
  if (token) {
    history.replaceState(null, "", location.pathname);
    await post("session", { token }).catch((error) => problem(error.message));
  }
  begin();
}

addEventListener("hashchange", followLink);
followLink();
