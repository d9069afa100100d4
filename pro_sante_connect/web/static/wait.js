// The desktop waits: long poll of the state, time left, a fresh QR code, help after a while.
const form = document.getElementById("wait");
const page = form.dataset;
const left = document.getElementById("left");
const said = document.getElementById("left-said");
const qr = document.getElementById("qr");
const lost = document.getElementById("lost");
const HELP_AFTER = 15_000, QR_EVERY = 3_000, SAID = [60, 30, 10];
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

let ends = Date.now() + Number(left.dataset.seconds) * 1000;

function words(seconds) {
  const text = seconds >= 60 ? left.dataset.minutes : left.dataset.short;
  const rest = seconds >= 60 ? String(seconds % 60).padStart(2, "0") : seconds;
  return text.replace("#m", Math.floor(seconds / 60)).replace("#s", rest);
}

function tick() {
  const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
  left.textContent = words(seconds);
  if (SAID.includes(seconds)) said.textContent = left.textContent;
}

function follow(answer) {
  ends = Date.now() + answer.seconds_left * 1000;
  if (answer.state === page.known) return true;
  page.known = answer.state;
  if (answer.state === "matched") {
    document.getElementById("state").textContent = page.matched;
    document.getElementById("offer")?.remove(); // the number has done its work
    return true;
  }
  if (answer.state === "approved") {
    document.getElementById("state").textContent = page.approved;
    form.submit();
  } else {
    location.replace(page.page);
  }
  return false;
}

async function poll() {
  for (;;) {
    const began = Date.now();
    try {
      const sent = await fetch(`${page.state}?known=${page.known}`, { headers: { Accept: "application/json" } });
      if (sent.status === 404) return location.replace(page.page);
      if (!sent.ok) throw new Error("state");
      lost.hidden = true;
      if (!follow(await sent.json())) return;
    } catch {
      lost.hidden = false;
      await wait(2000);
    }
    await wait(Math.max(0, 500 - (Date.now() - began)));
  }
}

setInterval(tick, 1000);
setInterval(() => { if (qr?.isConnected) qr.src = `${qr.dataset.source}?${Date.now()}`; }, QR_EVERY);
setTimeout(() => { document.getElementById("help").hidden = false; }, HELP_AFTER);
poll();
