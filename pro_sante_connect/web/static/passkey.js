// Sign in with a passkey: by autofill in the number field, or by the button. The answer travels in a plain form.
const button = document.getElementById("passkey");
const assertion = document.getElementById("assertion");
let running = null;

async function options(number) {
  const token = assertion.elements.csrf_token.value;
  const answer = await fetch(button.dataset.options, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify({ national_id: number }),
  });
  if (!answer.ok) throw new Error("options");
  return PublicKeyCredential.parseRequestOptionsFromJSON(await answer.json());
}

async function ask(number, mediation) {
  running?.abort();
  running = new AbortController();
  const request = { publicKey: await options(number), signal: running.signal };
  const credential = await navigator.credentials.get(mediation ? { ...request, mediation } : request);
  assertion.elements.credential.value = JSON.stringify(credential.toJSON());
  assertion.submit();
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  document.getElementById("passkey-offer").hidden = false;
  button.addEventListener("click", () => {
    ask(document.getElementById("login").value.trim(), null).catch(() => {
      document.getElementById("passkey-silent").hidden = false;
    });
  });
  if (await PublicKeyCredential.isConditionalMediationAvailable?.()) {
    ask("", "conditional").catch(() => {}); // the person chose another way
  }
}
