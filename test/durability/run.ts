import { parseArgs } from 'node:util'
import { type Mariadb, startMariadb } from '../support/mariadb.ts'
import { tally } from './check.ts'
import { database, kill, term } from './crashes.ts'
import { cuts } from './cuts.ts'
import { disk, openSmallDisk } from './disk.ts'
import { sabotage } from './sabotage.ts'
import { prosody, stonechat } from './server.ts'
import { type Dialect, dialects, type Outcome, type Setting } from './setting.ts'

// npm run durability: plays what may befall a server, and fails when anything acknowledged or seen was lost.

const usage = `npm run durability [-- options]
  --scenario kill|database|term|disk|cuts   one of them (all)
  --database sqlite|mysql|both              (both)
  --rounds N      how often it happens (20 kills, 5 of the database, 5 SIGTERM)
  --away N        how many seconds the database is away (5)
  --cuts N        how many connections are cut (1000)
  --pairs N       how many pairs of people write to each other (40)
  --server stonechat|prosody                (stonechat)
  --self-test     checks that these scripts notice what they are here for`

const scenarios = ['kill', 'term', 'cuts', 'database', 'disk'] as const
const kinds = { stonechat, prosody } as const

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    database: { type: 'string', default: 'both' },
    rounds: { type: 'string' },
    away: { type: 'string', default: '5' },
    cuts: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '40' },
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

const rounds = (usual: number): number => (values.rounds === undefined ? usual : Number(values.rounds))

async function play(scenario: (typeof scenarios)[number], setting: Setting): Promise<Outcome | undefined> {
  switch (scenario) {
    case 'kill':
      return await kill(setting, rounds(20))
    case 'term':
      return await term(setting, rounds(5))
    case 'cuts':
      return await cuts(setting, Number(values.cuts))
    case 'database':
      // SQLite has no server that could be killed.
      return setting.dialect === 'sqlite' ? undefined : await database(setting, rounds(5), Number(values.away) * 1000)
    case 'disk': {
      if (setting.dialect === 'mysql') return undefined
      const small = await openSmallDisk()
      if (typeof small !== 'string') return await disk(setting, small, 3)
      console.log(`\n== a full disk: SKIPPED, ${small}`)
      return undefined
    }
  }
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

// What runs and lies about is put away at exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
let mysql: Mariadb | undefined
try {
  const needsMysql = databases.includes('mysql') && kind === stonechat && !values['self-test']
  if (needsMysql) mysql = await startMariadb()
  const say = (line: string) => console.log(`   ${line}`)
  const setting = { kind, pairs: Number(values.pairs), mysql, say }
  const passed = values['self-test']
    ? await sabotage({ ...setting, dialect: 'sqlite' satisfies Dialect })
    : await playAll(setting)
  process.exitCode = passed ? 0 : 1
} finally {
  await mysql?.stop()
}
