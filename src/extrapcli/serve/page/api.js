// What the server offers, as functions. Each throws an Error with the sentence that the server gave.

const AGAIN_MS = 2000;
const MOST_STREAMS = 3; // a browser opens six connections to a server at most, and sound needs some of them

let streams = 0;
const queue = [];

export const get = (path) => request("GET", path).then((response) => response.json());
export const soundOf = (job) => `api/jobs/${job.id}/sound`;

export async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  const response = await request("POST", path, { headers, body: JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}

/** Delete a job, which may be gone already. */
export async function discard(job) {
  try {
    await request("DELETE", `jobs/${job.id}`);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}

/** Return what is known of a job, however long the server is away. Throws where the job is gone. */
export async function known(job) {
  for (;;) {
    try {
      return await get(`jobs/${job.id}`);
    } catch (error) {
      if (error.status === 404) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** The greatest |sample| of each twentieth of a second, 255 for full scale. */
export async function peaksOf(job) {
  const response = await request("GET", `jobs/${job.id}/peaks`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Post a file's bytes; `progress` is called with 0 to 1. */
export function upload(path, file, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest(); // fetch can't say how much has been sent
    sender.open("POST", `api/${path}?name=${encodeURIComponent(file.name)}`);
    sender.setRequestHeader("Content-Type", "application/octet-stream");
    sender.upload.onprogress = (event) => progress(event.loaded / event.total);
    sender.onerror = () => reject(new Error("The server can't be reached."));
    sender.onload = () => {
      if (sender.status < 300) resolve(JSON.parse(sender.responseText));
      else reject(problem(sender.status, sender.responseText));
    };
    sender.send(file);
  });
}

/**
 * Hand each event of a job to `handler`, until the job is done or failed. Returns a function that stops this earlier.
 * "lost" says that the server doesn't answer, until other events come; after that an event may come twice.
 */
export function events(job, handler) {
  let source = null;
  let stopped = false;

  const open = () => {
    source = new EventSource(`api/jobs/${job.id}/events`);
    source.onmessage = (message) => hand(JSON.parse(message.data));
    source.onerror = () => {
      handler({ type: "lost" });
      if (source.readyState === EventSource.CLOSED) setTimeout(look, AGAIN_MS); // else it tries again itself
    };
  };
  const hand = (event) => {
    if (stopped) return;
    if (event.type === "state" && ["done", "failed"].includes(event.state)) stop();
    handler(event);
  };
  // An EventSource gives up where the server answers with an error, so ask what became of the job.
  const look = async () => {
    try {
      const { state, error } = await known(job);
      if (["done", "failed"].includes(state)) hand({ type: "state", state, error });
      else if (!stopped) open();
    } catch (error) {
      hand({ type: "state", state: "failed", error: error.message });
    }
  };
  const stop = () => {
    if (stopped) return;
    stopped = true;
    if (!source) return;
    source.close();
    streams -= 1;
    advance();
  };

  queue.push(() => {
    if (stopped) return;
    streams += 1;
    open();
  });
  advance();
  return stop;
}

/** Wait until a job is done and return it as it is then. */
export function finished(job, handler = () => {}) {
  return new Promise((resolve, reject) => {
    events(job, (event) => {
      handler(event);
      if (event.type !== "state") return;
      if (event.state === "failed") reject(new Error(event.error ?? "That didn't work."));
      if (event.state === "done") known(job).then(resolve, reject);
    });
  });
}

function advance() {
  while (queue.length && streams < MOST_STREAMS) queue.shift()();
}

async function request(method, path, options = {}) {
  let response;
  try {
    response = await fetch(`api/${path}`, { method, ...options });
  } catch {
    throw new Error("The server can't be reached.");
  }
  if (!response.ok) throw problem(response.status, await response.text());
  return response;
}

function problem(status, text) {
  if (status === 401) document.dispatchEvent(new CustomEvent("signed-out"));
  let sentence = `The server answered with status ${status}.`;
  try {
    sentence = JSON.parse(text).error ?? sentence;
  } catch {
    // not of extrap's making, as from a proxy: the status has to do
  }
  return Object.assign(new Error(sentence), { status });
}
