// Everything in one Map. The library's own in-memory adapter forgets after 1,000 entries, too few for a bench.
const store = new Map();
const byGrant = new Map();
const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

setInterval(() => {
  const now = Date.now();
  for (const [key, entry] of store) if (entry.until < now) store.delete(key);
  for (const [grant, keys] of byGrant) if (!keys.some((key) => store.has(key))) byGrant.delete(grant);
}, 60_000).unref();

export const memoryAdapter = (model) => ({
  async upsert(id, payload, seconds) {
    const key = `${model}:${id}`;
    if (GRANTABLE.has(model) && payload.grantId) {
      const keys = byGrant.get(payload.grantId);
      if (keys) keys.push(key);
      else byGrant.set(payload.grantId, [key]);
    }
    store.set(key, { payload, until: Date.now() + (seconds ?? 3600) * 1000 });
  },
  async find(id) {
    return store.get(`${model}:${id}`)?.payload;
  },
  async findByUid() { return undefined; },
  async findByUserCode() { return undefined; },
  async consume(id) {
    store.get(`${model}:${id}`).payload.consumed = Math.floor(Date.now() / 1000);
  },
  async destroy(id) { store.delete(`${model}:${id}`); },
  async revokeByGrantId(grantId) {
    for (const key of byGrant.get(grantId) ?? []) store.delete(key);
    byGrant.delete(grantId);
  },
});
