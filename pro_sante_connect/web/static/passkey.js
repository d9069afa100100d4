// Passkeys: use one (by autofill or by the button) or make one. The answer travels in a plain form.
const button = document.getElementById("passkey");
const answer = document.getElementById(button.dataset.answer);
const creating = button.dataset.ceremony === "create";
const REFRESH = 240_000; // the server's challenge lives five minutes
let running = null;
let waiting = false; // for autofill

async function options(number) {
  const sent = await fetch(button.dataset.options, {
    method: "POST",
    headers: {
      "Content-Type": "application/json", Accept: "application/json",
      "X-CSRF-Token": answer.elements.csrf_token.value,
    },
    body: JSON.stringify({ national_id: number }),
  });
  if (!sent.ok) throw new Error("options");
  const json = await sent.json();
  return creating
    ? PublicKeyCredential.parseCreationOptionsFromJSON(json)
    : PublicKeyCredential.parseRequestOptionsFromJSON(json);
}

async function ask(number, mediation) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  waiting = mediation !== null;
  const wish = { publicKey: await options(number), signal: mine.signal };
  if (mine.signal.aborted) return;
  const credential = creating
    ? await navigator.credentials.create(wish)
    : await navigator.credentials.get(mediation ? { ...wish, mediation } : wish);
  answer.elements.credential.value = JSON.stringify(credential.toJSON());
  answer.submit();
}

function number() {
  const login = document.getElementById("login");
  if (answer.elements.national_id) answer.elements.national_id.value = login.value.trim();
  return login ? login.value.trim() : "";
}

async function autofill() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const again = () => ask("", "conditional").catch(() => {}); // the person chose another way
  again();
  setInterval(() => document.visibilityState === "visible" && waiting && again(), REFRESH);
}

const supported = window.PublicKeyCredential
  && (creating ? PublicKeyCredential.parseCreationOptionsFromJSON : PublicKeyCredential.parseRequestOptionsFromJSON);
if (supported) {
  button.hidden = false;
  document.getElementById("passkey-hint")?.removeAttribute("hidden");
  button.addEventListener("click", async () => {
    const silent = document.getElementById("passkey-silent");
    silent.hidden = true;
    button.disabled = true;
    try {
      await ask(number(), null);
    } catch {
      silent.hidden = false;
    }
    button.disabled = false;
  });
  if ("autofill" in button.dataset) autofill();
}
