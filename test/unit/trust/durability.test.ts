import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { database, kill, term } from '../../durability/crashes.ts'
import { cuts } from '../../durability/cuts.ts'
import { disk, openSmallDisk } from '../../durability/disk.ts'
import { publish } from '../../durability/publish.ts'
import { rooms } from '../../durability/rooms.ts'
import { stonechat } from '../../durability/server.ts'
import type { Outcome, Setting } from '../../durability/setting.ts'
import { uploads } from '../../durability/uploads.ts'
import { type Dialect, dialects } from '../../support/databases.ts'
import { sharedMariadb, startMariadb } from '../../support/mariadb.ts'

// The short form of npm run durability (test/durability/README.md).

const timeout = 90_000

async function setting(t: TestContext, dialect: Dialect): Promise<Setting> {
  const mysql = dialect === 'mysql' ? await sharedMariadb() : undefined
  return { kind: stonechat, pairs: 5, dialect, mysql, say: (line) => t.diagnostic(line) }
}

function isFlawless({ faults, figures }: Outcome): void {
  assert.deepEqual(faults.slice(0, 20), [])
  assert.ok(Number(figures['acknowledged']) > 0, 'nothing was acknowledged')
}

for (const dialect of dialects) {
  test(`nothing acknowledged or seen is lost when the server is killed, on ${dialect}`, { timeout }, async (t) =>
    isFlawless(await kill(await setting(t, dialect), 2)),
  )

  test(`everybody resumes when the server was stopped and started, on ${dialect}`, { timeout }, async (t) =>
    isFlawless(await term(await setting(t, dialect), 1)),
  )

  test(`nothing is lost, doubled or re-ordered over 50 cut connections, on ${dialect}`, { timeout }, async (t) =>
    isFlawless(await cuts(await setting(t, dialect), 50)),
  )

  test(
    `nothing that anybody in a room was told of is lost when the server is killed or stopped, on ${dialect}`,
    {
      timeout,
    },
    async (t) => isFlawless(await rooms(await setting(t, dialect), ['kill', 'term'], { rooms: 2 })),
  )

  test(
    `what is published, set, invited or changed is as it was acknowledged when the server is killed or stopped, on ${dialect}`,
    { timeout },
    async (t) => isFlawless(await publish(await setting(t, dialect), ['kill', 'term'], { groups: 1 })),
  )

  test(
    `files that were answered are there, whole, when the server is killed and what is not on the disk is lost, on ${dialect}`,
    { timeout },
    async (t) => isFlawless(await uploads(await setting(t, dialect), ['power'], { senders: 2 })),
  )
}

test('nothing acknowledged or seen is lost when the database is killed, and service returns', {
  timeout,
}, async (t) => {
  const mysql = await startMariadb()
  try {
    const onMysql: Setting = { ...(await setting(t, 'sqlite')), dialect: 'mysql', mysql }
    isFlawless(await database(onMysql, 1, 1500))
    isFlawless(await rooms(onMysql, ['database'], { rooms: 2, awayMs: 1500 }))
    isFlawless(await publish(onMysql, ['database'], { groups: 1, awayMs: 1500 }))
  } finally {
    await mysql.stop()
  }
})

test('what a full disk cannot take is refused, never acknowledged', { timeout }, async (t) => {
  const small = await openSmallDisk()
  if (typeof small === 'string') return t.skip(small)
  isFlawless(await disk(await setting(t, 'sqlite'), small, 1))
})

test('what rooms cannot write to a full disk is refused, and nobody hears of it', { timeout }, async (t) => {
  const small = await openSmallDisk()
  if (typeof small === 'string') return t.skip(small)
  isFlawless(await rooms(await setting(t, 'sqlite'), ['disk'], { rooms: 2, small }))
})
