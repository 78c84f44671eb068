import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadServerConfig } from '../../../src/config/server-config.ts'
import { openServer } from '../../../src/serve.ts'
import { silentLog } from '../../support/databases.ts'
import { sharedMariadb } from '../../support/mariadb.ts'
import { temporary } from './program.ts'

test('databasePool is how many connections to MySQL are used at once', async () => {
  const data = await temporary()
  const { config } = loadServerConfig(null, { base: data })
  const url = await (await sharedMariadb()).createDatabase()
  const setup = {
    config: { ...config, data, database: { client: 'mysql', url }, databasePool: 4 },
    configFolder: data,
    catalogue: [],
    configs: new Map(),
    origins: new Map(),
    componentOrigins: new Map(),
    enabled: new Map(),
  } as const
  const { db, close } = await openServer(setup, silentLog as never)
  const first = await db.knex.transaction()
  const second = await db.knex.transaction()
  await assert.rejects(db.knex.transaction(), 'a third connection was had')
  // One is kept for what is written in batches, one for what is read in batches.
  await db.commit([{ sql: 'select 1', bindings: [] }])
  assert.deepEqual(await db.rows({ sql: 'select 1 as one', bindings: [] }), [{ one: 1 }])
  await first.rollback()
  await second.rollback()
  await close()
})
