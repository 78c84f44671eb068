import { test } from 'node:test'
import { eachDatabase } from '../support/databases.ts'
import { AccountStore } from '../../src/auth/account-store.ts'
const cols = 'local, created_ms, disabled, delete_ms, password_version, hash, salt, iterations, stored_key, server_key'
const neu = `select host, ${cols} from accounts left join credentials on credentials.account = accounts.id
where accounts.id = coalesce((select id from accounts where host = ? and local = ?), (select min(id) from accounts))`
const old = `select ${cols} from accounts left join credentials on credentials.account = accounts.id where accounts.host = ? and accounts.local = ?`
eachDatabase((open) => test('x', async () => {
  const db = await open(); const st = new AccountStore(db, 'h')
  const b = Buffer.alloc(32)
  for (let i = 0; i < 100; i++) await st.insert({ local: `u${i}`, folded: `u${i}`, createdMs: 0, keys: (['SHA-512', 'SHA-256', 'SHA-1'] as const).map((hash) => ({ hash, salt: b, iterations: 1, storedKey: b, serverKey: b })) })
  const cases = [[neu, 'u5'], [neu, 'zz'], [old, 'u5'], [old, 'zz']] as const
  const ts: number[][] = [[], [], [], []]
  for (let i = 0; i < 3000; i++) for (const k of [0, 1, 2, 3].sort(() => Math.random() - 0.5)) { const [q, l] = cases[k]!; const a = performance.now(); await db.rows({ sql: q, bindings: ['h', l] }); if (i > 500) ts[k]!.push(performance.now() - a) }
  ts.forEach((t, k) => { t.sort((x, y) => x - y); console.log(db.dialect, k < 2 ? 'new' : 'old', cases[k]![1], [0.1, 0.25, 0.5].map((f) => (t[Math.floor(t.length * f)]! * 1000).toFixed(0)).join(' ')) })
}))
