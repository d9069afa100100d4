// An adapter of the shape of the library's published SQL examples: one table of JSON payloads, find reads it,
// consume is an UPDATE without condition. (That shape is what makes one-time values honoured twice.)
import pg from 'pg';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS oidc_payloads (
  id text NOT NULL, model text NOT NULL, payload jsonb NOT NULL, grant_id text, uid text, user_code text,
  expires_at timestamptz, consumed_at timestamptz, PRIMARY KEY (model, id));
CREATE INDEX IF NOT EXISTS oidc_payloads_grant ON oidc_payloads (grant_id);
CREATE INDEX IF NOT EXISTS oidc_payloads_uid ON oidc_payloads (uid);
CREATE INDEX IF NOT EXISTS oidc_payloads_user_code ON oidc_payloads (user_code);`;

const UPSERT = `
INSERT INTO oidc_payloads (id, model, payload, grant_id, uid, user_code, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (model, id) DO UPDATE SET payload = $3, grant_id = $4, uid = $5, user_code = $6, expires_at = $7`;

export async function prepare(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(SCHEMA);
  await client.end();
}

// Named statements are prepared once per connection: the fastest way this driver has.
export function connect(url) {
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  const run = (name, text, values) => pool.query({ name, text, values });

  async function one(name, column, model, value) {
    const { rows } = await run(
      name,
      `SELECT payload, expires_at, consumed_at FROM oidc_payloads WHERE model = $1 AND ${column} = $2`,
      [model, value],
    );
    if (!rows.length || (rows[0].expires_at && rows[0].expires_at < new Date())) return undefined;
    return { ...rows[0].payload, ...(rows[0].consumed_at ? { consumed: true } : undefined) };
  }

  return (model) => ({
    upsert: (id, payload, seconds) => run('upsert', UPSERT, [
      id, model, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null,
      seconds ? new Date(Date.now() + seconds * 1000) : null,
    ]),
    find: (id) => one('find', 'id', model, id),
    findByUid: (uid) => one('find_uid', 'uid', model, uid),
    findByUserCode: (code) => one('find_user_code', 'user_code', model, code),
    consume: (id) => run(
      'consume', 'UPDATE oidc_payloads SET consumed_at = now() WHERE model = $1 AND id = $2', [model, id]),
    destroy: (id) => run('destroy', 'DELETE FROM oidc_payloads WHERE model = $1 AND id = $2', [model, id]),
    revokeByGrantId: (grantId) => run('revoke', 'DELETE FROM oidc_payloads WHERE grant_id = $1', [grantId]),
  });
}
