// node oidc-provider behind the measuring bench: the library's own endpoints, plus one route that mints codes.
import { createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import cluster from 'node:cluster';

import Provider from 'oidc-provider';

import { memoryAdapter } from './memory.mjs';
import { connect, prepare } from './postgres.mjs';

const { BENCH_PORT, BENCH_ALG, BENCH_STORE, BENCH_DATABASE_URL, BENCH_KEYS, BENCH_COMMON, BENCH_WORKERS } =
  process.env;
const common = JSON.parse(readFileSync(BENCH_COMMON, 'utf8'));
const pem = JSON.parse(readFileSync(BENCH_KEYS, 'utf8'))[BENCH_ALG];
const jwk = { ...createPrivateKey(pem).export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: BENCH_ALG };
const small = Object.fromEntries(
  ['preferred_username', 'given_name', 'family_name', 'SubjectNameID', 'authMode'].map((name) => [
    name, common.claims[name]]));
const issuer = `http://127.0.0.1:${BENCH_PORT}`;

function configuration() {
  return {
    adapter: BENCH_STORE === 'postgresql' ? connect(BENCH_DATABASE_URL) : memoryAdapter,
    jwks: { keys: [jwk] },
    cookies: { keys: ['bench'] },
    clients: [{
      client_id: common.client_id,
      client_secret: common.client_secret,
      redirect_uris: [common.redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: BENCH_ALG,
    }],
    enabledJWA: { idTokenSigningAlgValues: [BENCH_ALG] },
    scopes: ['openid', 'offline_access', 'scope_all'],
    claims: { openid: ['sub'], scope_all: Object.keys(common.claims) },
    findAccount: (ctx, sub) => ({
      accountId: sub,
      // A small ID token, as in profile `psc`; the whole of the claims only in userinfo.
      claims: (use) => (use === 'id_token' ? { ...small, sub } : { ...common.claims, sub }),
    }),
    rotateRefreshToken: () => true,
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid scope_all offline_access',
          audience: common.resource,
          accessTokenTTL: common.token_seconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: BENCH_ALG } },
        }),
      },
    },
    ttl: {
      AccessToken: common.token_seconds,
      IdToken: common.token_seconds,
      AuthorizationCode: common.code_seconds,
      RefreshToken: common.refresh_seconds,
      Grant: common.refresh_seconds,
      Session: 14400,
      Interaction: 600,
    },
  };
}

// `opaque=1` leaves the resource out: JWT access tokens are not stored, so the library's own userinfo and
// introspection only know opaque ones.
async function mint(provider, count, opaque) {
  const client = await provider.Client.find(common.client_id);
  const scope = 'openid offline_access scope_all';
  const codes = [];
  for (let i = 0; i < count; i += 1) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: common.subject });
    grant.addOIDCScope(scope);
    if (!opaque) grant.addResourceScope(common.resource, scope);
    const code = new provider.AuthorizationCode({
      client,
      accountId: common.subject,
      acr: 'eidas1',
      amr: ['mfa'],
      authTime: Math.floor(Date.now() / 1000),
      grantId: await grant.save(),
      nonce: common.nonce,
      redirectUri: common.redirect_uri,
      codeChallenge: common.code_challenge,
      codeChallengeMethod: 'S256',
      scope,
      resource: opaque ? undefined : common.resource,
      sessionUid: randomUUID(),
      sid: randomUUID(),
      expiresWithSession: false,
      claims: {},
    });
    codes.push(await code.save());
  }
  return codes;
}

function serve() {
  const provider = new Provider(issuer, configuration());
  const callback = provider.callback();
  createServer(async (request, response) => {
    if (!request.url.startsWith('/bench/')) return callback(request, response);
    const query = new URL(request.url, issuer).searchParams;
    const codes = await mint(provider, Number(query.get('n')), query.get('opaque') === '1');
    const body = JSON.stringify({ codes });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    return response.end(body);
  }).listen(Number(BENCH_PORT), '127.0.0.1');
}

const workers = Number(BENCH_WORKERS ?? 1);
if (workers > 1 && cluster.isPrimary) {
  if (BENCH_STORE === 'postgresql') await prepare(BENCH_DATABASE_URL);
  for (let i = 0; i < workers; i += 1) cluster.fork();
} else {
  if (BENCH_STORE === 'postgresql' && workers === 1) await prepare(BENCH_DATABASE_URL);
  serve();
}
