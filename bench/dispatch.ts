import { compileFlows, type Registration, type Step } from '../src/pipeline/compile.ts'
import { flows, type Phase } from '../src/pipeline/flow.ts'
import { runFlow } from '../src/pipeline/run.ts'
import type { StanzaEvent } from '../src/pipeline/stanza-event.ts'
import { median, type PartReport, type Row, round } from './report.ts'

const rounds = 9
const events = 200_000
let seen = 0

/** Handlers that look at the stanza and let it pass. */
const sync = (event: unknown): undefined => {
  if ((event as { kind: string }).kind === 'message') seen++
}
const async = async (event: unknown): Promise<void> => {
  if ((event as { kind: string }).kind === 'message') seen++
}
const pass = (event: unknown): boolean => (event as { kind: string }).kind === 'iq'
const passLater = async (event: unknown): Promise<boolean> => (event as { kind: string }).kind === 'iq'

const allSync: readonly (readonly [Phase, unknown])[] = [
  ...Array(3).fill(['guard', sync]),
  ...Array(2).fill(['shape', sync]),
  ['record', sync],
  ...Array(3).fill(['copy', sync]),
  ...Array(3).fill(['deliver', pass]),
]
const oneAsync = allSync.map(([phase, run]) => [phase, phase === 'record' ? async : run] as const)
const allAsync: readonly (readonly [Phase, unknown])[] = [
  ...Array(4).fill(['guard', async]),
  ...Array(4).fill(['record', async]),
  ...Array(4).fill(['deliver', passLater]),
]

/** Measures what it costs to take one stanza through a compiled flow of twelve handlers. */
export async function measureDispatch(): Promise<PartReport> {
  const rows: Row[] = []
  for (const [title, handlers] of [
    ['12 handlers, none waits', allSync],
    ['12 handlers, one waits (record)', oneAsync],
    ['12 handlers, all wait', allAsync],
  ] as const) {
    const steps = compile(handlers)
    const times: number[] = []
    for (let i = 0; i < rounds; i++) times.push(await time(steps))
    rows.push({ flow: title, 'µs/event': round(median(times.slice(2)), 3) })
  }
  if (seen === 0) throw new Error('no handler ran')
  return { part: 'dispatch', settings: { rounds, events }, rows }
}

function compile(handlers: readonly (readonly [Phase, unknown])[]): readonly Step[] {
  const { arriving } = flows.message
  const registrations = handlers.map(
    ([phase, handler], i) => ({ module: `module${i}`, flow: arriving, phase, handler }) as Registration,
  )
  return compileFlows(registrations)[arriving.id]!
}

async function time(steps: readonly Step[]): Promise<number> {
  const event = { kind: 'message' } as StanzaEvent
  const onCrash = (_step: Step, error: unknown): void => {
    throw error
  }
  const start = process.hrtime.bigint()
  for (let i = 0; i < events; i++) {
    const outcome = runFlow(steps, event, onCrash)
    if (typeof outcome !== 'boolean') await outcome
  }
  return Number(process.hrtime.bigint() - start) / 1_000 / events
}
