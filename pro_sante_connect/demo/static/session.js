// Asks every other second whether the session is still open in this service; without JavaScript the next page says it.
const { state } = document.currentScript.dataset;
const PAUSE = 2000;

async function look() {
  try {
    const answer = await fetch(state, { cache: "no-store" });
    if (answer.ok && !(await answer.json()).open) {
      location.reload();
      return;
    }
  } catch {
    // The service is away for a moment: asked again.
  }
  setTimeout(look, PAUSE);
}

setTimeout(look, PAUSE);
