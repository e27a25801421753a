// Follows /v1/live. Every event is the whole state, and the browser reconnects by itself and says
// which event it saw last: nothing is missed. What it cannot mend by itself is mended here: an
// answer that is no stream (the server is starting, the session has ended).

const STALE_AFTER_MS = 5000;
const TRY_AGAIN_MS = 2000;
const SILENT_MS = 15000; // the server sends at least a heartbeat in this time

/** Calls `onLive(view)` and `onState(state, text)`: waiting, live, trouble or lost. */
export function follow(onLive, onState) {
  let source = null;
  let lastNews = 0;
  let trouble = "";

  function open() {
    source = new EventSource("/v1/live");
    source.addEventListener("live", (event) => {
      lastNews = Date.now();
      trouble = "";
      onLive(JSON.parse(event.data));
      onState("live", "live");
    });
    source.addEventListener("trouble", (event) => {
      lastNews = Date.now();
      trouble = JSON.parse(event.data).message;
      onState("trouble", trouble);
    });
    source.addEventListener("error", () => {
      onState("lost", "connection lost, trying again");
      if (source.readyState === EventSource.CLOSED) again();
    });
  }

  async function again() {
    source.close();
    if (await mustLogIn()) location.assign("/ops/login");
    else setTimeout(open, TRY_AGAIN_MS);
  }

  setInterval(() => {
    const age = Date.now() - lastNews;
    if (!lastNews || trouble || age < STALE_AFTER_MS) return;
    onState("lost", `no news for ${Math.round(age / 1000)} s`);
    if (age > SILENT_MS && source.readyState === EventSource.OPEN) {
      lastNews = Date.now() - STALE_AFTER_MS; // a connection that died without a word
      source.close();
      open();
    }
  }, 1000);

  open();
}

async function mustLogIn() {
  try {
    const answer = await fetch("/ops", { redirect: "manual", headers: { Accept: "text/html" } });
    return answer.type === "opaqueredirect";
  } catch {
    return false; // the server is away
  }
}
