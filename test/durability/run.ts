import { parseArgs } from 'node:util'
import { type Mariadb, startMariadb } from '../support/mariadb.ts'
import { tally } from './check.ts'
import { database, kill, term } from './crashes.ts'
import { cuts } from './cuts.ts'
import { disk, openSmallDisk, type SmallDisk } from './disk.ts'
import { publish } from './publish.ts'
import { type Mishap, rooms } from './rooms.ts'
import { sabotage, sabotageUploads } from './sabotage.ts'
import { prosody, stonechat } from './server.ts'
import { type Dialect, dialects, type Outcome, type Setting } from './setting.ts'
import { type UploadMishap, uploads } from './uploads.ts'

// npm run durability: plays what may befall a server, and fails when anything acknowledged or seen was lost.

const usage = `npm run durability [-- options]
  --scenario kill|database|term|disk|cuts|rooms|publish|uploads   one of them (all)
  --database sqlite|mysql|both              (both)
  --rounds N      how often it happens (20 kills, 5 of the database, 5 SIGTERM); a quarter of it to rooms,
                  and as much to those who publish
  --away N        how many seconds the database is away (5)
  --cuts N        how many connections are cut (1000)
  --pairs N       how many pairs of people write to each other (40)
  --rooms N       how many rooms of four people there are (10)
  --groups N      how many groups of seven publish, change their profiles, log in with tokens and so on (3)
  --senders N     how many people send files (4)
  --server stonechat|prosody                (stonechat)
  --self-test     checks that these scripts notice what they are here for`

const scenarios = ['kill', 'term', 'cuts', 'database', 'disk', 'rooms', 'publish', 'uploads'] as const
const kinds = { stonechat, prosody } as const

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    database: { type: 'string', default: 'both' },
    rounds: { type: 'string' },
    away: { type: 'string', default: '5' },
    cuts: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '40' },
    rooms: { type: 'string', default: '10' },
    groups: { type: 'string', default: '3' },
    senders: { type: 'string', default: '4' },
    server: { type: 'string', default: 'stonechat' },
    'self-test': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const chosen = scenarios.filter((name) => values.scenario === undefined || name === values.scenario)
const databases = dialects.filter((name) => values.database === 'both' || name === values.database)
const kind = kinds[values.server as keyof typeof kinds]
if (values.help || chosen.length === 0 || databases.length === 0 || kind === undefined) {
  console.log(usage)
  process.exit(values.help ? 0 : 64)
}

/** How often something happens to pairs, and how often to rooms. */
function rounds(usual: number, to: 'pairs' | 'rooms'): number {
  const all = values.rounds === undefined ? usual : Number(values.rounds)
  const share = Math.ceil(all / 4)
  return to === 'rooms' ? share : Math.max(all - share, 1)
}
const awayMs = Number(values.away) * 1000

async function play(scenario: (typeof scenarios)[number], setting: Setting): Promise<Outcome | undefined> {
  switch (scenario) {
    case 'kill':
      return await kill(setting, rounds(20, 'pairs'))
    case 'term':
      return await term(setting, rounds(5, 'pairs'))
    case 'cuts':
      return await cuts(setting, Number(values.cuts))
    case 'database':
      // SQLite has no server that could be killed.
      return setting.dialect === 'sqlite' ? undefined : await database(setting, rounds(5, 'pairs'), awayMs)
    case 'disk': {
      if (setting.dialect === 'mysql') return undefined
      const small = await openSmallDisk()
      if (typeof small !== 'string') return await disk(setting, small, 3)
      console.log(`\n== a full disk: SKIPPED, ${small}`)
      return undefined
    }
    case 'rooms':
      return kind === stonechat ? await playRooms(setting) : undefined
    case 'publish':
      return kind === stonechat ? await playPublish(setting) : undefined
    case 'uploads':
      return kind === stonechat ? await playUploads(setting) : undefined
  }
}

/** All that the other scenarios leave to rooms, one after the other. */
async function playRooms(setting: Setting): Promise<Outcome> {
  const { mishaps, disk } = await share(setting)
  return await rooms(setting, mishaps, { rooms: Number(values.rooms), awayMs, ...disk })
}

/** As many for those who publish. */
async function playPublish(setting: Setting): Promise<Outcome> {
  const { mishaps, disk } = await share(setting)
  return await publish(setting, mishaps, { groups: Number(values.groups), awayMs, ...disk })
}

/** And for those who send files: half of the kills come with a loss of power. */
async function playUploads(setting: Setting): Promise<Outcome> {
  const times = rounds(20, 'rooms')
  const kills = Array.from({ length: times }, (_, i): UploadMishap => (i % 2 === 0 ? 'kill' : 'power'))
  return await uploads(setting, [...kills, 'term'], { senders: Number(values.senders) })
}

async function share({ dialect }: Setting): Promise<{ mishaps: Mishap[]; disk: { small?: SmallDisk } }> {
  const times = (mishap: Mishap, count: number): Mishap[] => Array.from({ length: count }, () => mishap)
  const small = dialect === 'sqlite' ? await openSmallDisk() : undefined
  const others: Mishap[] =
    dialect === 'mysql' ? times('database', rounds(5, 'rooms')) : typeof small === 'string' ? [] : ['disk']
  const mishaps = [...times('kill', rounds(20, 'rooms')), ...times('term', rounds(5, 'rooms')), ...others]
  return { mishaps, disk: small === undefined || typeof small === 'string' ? {} : { small } }
}

function report({ title, faults, figures }: Outcome): void {
  const numbers = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  const counts = tally(faults)
  const summary = ['lost', 'doubled', 'reordered'].map((wrong) => `${wrong} ${counts.get(wrong as 'lost') ?? 0}`)
  console.log(`== ${title}: ${numbers.join(', ')}`)
  console.log(`== ${faults.length === 0 ? 'PASSED' : 'FAILED'}: ${summary.join(', ')}, faults in all ${faults.length}`)
  for (const { wrong, where } of faults.slice(0, 20)) console.log(`   ${wrong}: ${where}`)
}

async function playAll(setting: Omit<Setting, 'dialect'>): Promise<boolean> {
  let passed = true
  for (const scenario of chosen)
    for (const dialect of databases) {
      const outcome = await play(scenario, { ...setting, dialect })
      if (outcome === undefined) continue
      report(outcome)
      passed &&= outcome.faults.length === 0
    }
  return passed
}

/** Of what is chosen; what is not about files is all one. */
async function selfTest(setting: Setting): Promise<boolean> {
  const ofStanzas = values.scenario === 'uploads' || (await sabotage(setting))
  return (!chosen.includes('uploads') || (await sabotageUploads(setting))) && ofStanzas
}

// What runs and lies about is put away at exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
let mysql: Mariadb | undefined
try {
  const needsMysql = databases.includes('mysql') && kind === stonechat && !values['self-test']
  if (needsMysql) mysql = await startMariadb()
  const say = (line: string) => console.log(`   ${line}`)
  const setting = { kind, pairs: Number(values.pairs), mysql, say }
  const passed = values['self-test']
    ? await selfTest({ ...setting, dialect: 'sqlite' satisfies Dialect })
    : await playAll(setting)
  process.exitCode = passed ? 0 : 1
} finally {
  await mysql?.stop()
}
