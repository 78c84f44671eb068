import { allFlows, type Flow, type Phase, type Phases, phases } from './flow.ts'

/** A handler as a module registered it. */
export interface Registration {
  readonly module: string
  readonly flow: Flow
  readonly phase: Phase
  readonly handler: Phases[Phase]
  readonly before?: string | undefined
  readonly after?: string | undefined
}

/** One entry of a compiled flow. */
export interface Step {
  readonly module: string
  readonly flow: string
  readonly phase: Phase
  readonly run: Phases[Phase]
}

/** The steps of every flow, indexed by the flow's id. */
export type CompiledFlows = readonly (readonly Step[])[]

/**
 * Puts registrations into their final order: by phase, then in the order given (modules in dependency order), then as
 * `before` and `after` ask. A name that is not in the same phase is ignored, since modules may be absent.
 *
 * @throws Error when `before` and `after` contradict each other, naming the modules.
 */
export function compileFlows(registrations: readonly Registration[]): CompiledFlows {
  return allFlows.map((flow) =>
    phases.flatMap((phase) =>
      sortPhase(registrations.filter((r) => r.flow.id === flow.id && r.phase === phase)).map((r) => ({
        module: r.module,
        flow: flow.name,
        phase,
        run: r.handler,
      })),
    ),
  )
}

function sortPhase(list: readonly Registration[]): Registration[] {
  const left = [...list]
  const sorted: Registration[] = []
  while (left.length > 0) {
    const index = left.findIndex((r) => !left.some((other) => other !== r && mustPrecede(other, r)))
    if (index < 0) {
      const names = left.map((r) => r.module).join(', ')
      throw new Error(`the order of ${left[0]!.flow.name} ${left[0]!.phase} is contradictory among: ${names}`)
    }
    sorted.push(...left.splice(index, 1))
  }
  return sorted
}

function mustPrecede(a: Registration, b: Registration): boolean {
  return a.before === b.module || b.after === a.module
}

/** The compiled order as lines of text, for `stonechat pipeline` and the golden file. */
export function describeFlows(compiled: CompiledFlows): string {
  return allFlows
    .map((flow) => {
      const steps = compiled[flow.id] ?? []
      const lines = phases
        .map((phase) => ({ phase, modules: steps.filter((s) => s.phase === phase).map((s) => s.module) }))
        .filter(({ modules }) => modules.length > 0)
        .map(({ phase, modules }) => `  ${phase.padEnd(8)}${modules.join(', ')}\n`)
      return `${flow.name}\n${lines.length > 0 ? lines.join('') : '  (nothing)\n'}`
    })
    .join('')
}
