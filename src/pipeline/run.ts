import { StanzaDrop, StanzaError } from '../stanza/stanza-error.ts'
import type { Step } from './compile.ts'
import type { StanzaEvent } from './stanza-event.ts'

/** Hears of a step that crashed where the flow goes on. */
export type CrashReport = (step: Step, error: unknown) => void

/**
 * Runs a stanza through the steps of a flow; the result tells whether a `deliver` step took it.
 *
 * It stays synchronous until a step returns a promise; then one continuation does the rest. What a `guard`, `shape` or
 * `record` step throws is thrown (or rejected) from here; `copy` and `deliver` crashes go to `onCrash`.
 */
export function runFlow(steps: readonly Step[], event: StanzaEvent, onCrash: CrashReport): boolean | Promise<boolean> {
  const behind = event.turn?.before !== undefined
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    if (behind && isVisible(step)) return goOn(steps, i, event, onCrash)
    const outcome = runStep(step, event, onCrash)
    if (outcome === undefined || outcome === false) continue
    if (outcome instanceof Promise) return finish(steps, i, outcome, event, onCrash)
    if (isTaken(step, outcome)) return true
  }
  return behind ? goOn(steps, steps.length, event, onCrash) : false
}

/** What anybody but its sender sees of a stanza, and so in the order it was sent in. */
function isVisible(step: Step): boolean {
  return step.phase === 'copy' || step.phase === 'deliver'
}

async function finish(
  steps: readonly Step[],
  at: number,
  pending: Promise<unknown>,
  event: StanzaEvent,
  onCrash: CrashReport,
): Promise<boolean> {
  const step = steps[at]!
  // Those behind it may follow to disk; a record that fails is refused, and they go on.
  if (step.phase === 'record') event.turn?.recorded()
  if (isTaken(step, await settle(step, pending, onCrash))) return true
  return await goOn(steps, at + 1, event, onCrash)
}

/** The rest of a flow, from `at` on, once it has waited for something. */
async function goOn(steps: readonly Step[], at: number, event: StanzaEvent, onCrash: CrashReport): Promise<boolean> {
  let behind = event.turn?.before
  for (let i = at; i < steps.length; i++) {
    const step = steps[i]!
    if (behind !== undefined && isVisible(step)) {
      await behind
      behind = undefined
    }
    const outcome = runStep(step, event, onCrash)
    if (outcome instanceof Promise && step.phase === 'record') event.turn?.recorded()
    if (isTaken(step, outcome instanceof Promise ? await settle(step, outcome, onCrash) : outcome)) return true
  }
  if (behind !== undefined) await behind
  return false
}

function runStep(step: Step, event: StanzaEvent, onCrash: CrashReport): unknown {
  if (failsClosed(step)) return (step.run as (e: StanzaEvent) => unknown)(event)
  try {
    return (step.run as (e: StanzaEvent) => unknown)(event)
  } catch (error) {
    if (isAnswer(step, error)) throw error
    onCrash(step, error)
    return undefined
  }
}

async function settle(step: Step, pending: Promise<unknown>, onCrash: CrashReport): Promise<unknown> {
  if (failsClosed(step)) return await pending
  try {
    return await pending
  } catch (error) {
    if (isAnswer(step, error)) throw error
    onCrash(step, error)
    return undefined
  }
}

/** Only a deliver step says whether it took the stanza; what a void handler happens to return means nothing. */
function isTaken(step: Step, outcome: unknown): boolean {
  return outcome === true && step.phase === 'deliver'
}

/** A deliver step may answer with a refusal as a guard does: that is not a crash. */
function isAnswer(step: Step, error: unknown): boolean {
  return step.phase === 'deliver' && (error instanceof StanzaError || error instanceof StanzaDrop)
}

function failsClosed(step: Step): boolean {
  return step.phase !== 'copy' && step.phase !== 'deliver'
}
