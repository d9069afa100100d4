// A service that ends its own sessions when the provider says so: by a logout token (OpenID Connect Back-Channel
// Logout 1.0) or by a security event pushed to it (RFC 8935).
//
// npm install express jose
// ISSUER=https://auth.example.org/auth/realms/esante-wallet CLIENT_ID=agenda PUSH_TOKEN=… node receiver.js

import { timingSafeEqual } from "node:crypto";
import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const { ISSUER, CLIENT_ID, PUSH_TOKEN = "", PORT = "5000" } = process.env;
const LOGOUT = "http://schemas.openid.net/event/backchannel-logout";
const REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const DISABLED = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const DAY = 86_400_000;

export const sessions = new Map(); // sid → { sub }. Your database, if you have more than one process.
const heard = new Map(); // jti → when it came. Likewise.

const about = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(about.jwks_uri)); // fetched again for an unknown key, with a pause between

// The claims, or an exception: signature, type, issuer, audience, times; never the algorithm that the token names alone.
async function verified(token, typ, requiredClaims) {
  const rules = { issuer: ISSUER, audience: CLIENT_ID, algorithms: ["RS256", "ES256"], typ, requiredClaims };
  const { payload } = await jwtVerify(token, keys, { ...rules, clockTolerance: 30, maxTokenAge: "1d" });
  return payload;
}

// A repeat is well: the answer to the first was lost.
function once(jti, act) {
  for (const [old, at] of heard) if (at < Date.now() - DAY) heard.delete(old);
  if (!heard.has(jti)) act();
  heard.set(jti, heard.get(jti) ?? Date.now());
}

// The token is at fault, and not the way to the provider's keys.
const ours = ({ code }) => code?.startsWith("ERR_J") && !["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT"].includes(code);
const app = express();

// 204: done, or done before. 400: never send this again. Anything else: try later.
app.post("/backchannel-logout", express.urlencoded({ extended: false }), async (request, response) => {
  try {
    const claims = await verified(request.body?.logout_token ?? "", "logout+jwt", ["jti", "exp", "sid", "events"]);
    if (!claims.events?.[LOGOUT] || "nonce" in claims) throw new errors.JWTInvalid("not a logout token");
    once(claims.jti, () => sessions.delete(claims.sid));
    response.set("Cache-Control", "no-store").status(204).end();
  } catch (problem) {
    response.status(ours(problem) ? 400 : 503).json({ error: "invalid_request" });
  }
});

// 202: kept. 400 with `err`: this token is wrong (RFC 8935 §2.3, §2.4).
app.post("/events", express.text({ type: "application/secevent+jwt" }), async (request, response) => {
  const told = Buffer.from(request.get("Authorization") ?? "");
  const expected = Buffer.from(`Bearer ${PUSH_TOKEN}`);
  if (!PUSH_TOKEN || told.length !== expected.length || !timingSafeEqual(told, expected))
    return response.status(401).json({ err: "authentication_failed", description: "another token is expected" });
  try {
    const claims = await verified(request.body ?? "", "secevent+jwt", ["jti", "iat", "sub_id", "events"]);
    once(claims.jti, () => {
      if (claims.events[REVOKED]) sessions.delete(claims.sub_id.session.id);
      if (claims.events[DISABLED])
        for (const [sid, { sub }] of sessions) if (sub === claims.sub_id.sub) sessions.delete(sid);
    });
    return response.status(202).end();
  } catch (problem) {
    return response.status(ours(problem) ? 400 : 503).json({ err: "invalid_request", description: "refused" });
  }
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${PORT}`));
