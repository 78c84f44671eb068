import { StanzaError, toDatetime, xml } from '#api'
import { NS_UPLOAD } from './namespaces.ts'
import type { UploadConfig } from './options.ts'
import type { Purpose, Usage } from './store.ts'

/** Announcements are counted over so long. */
export const MINUTE_MS = 60_000

/** The largest file for a purpose; 0 is any. */
export function maxSize({ limits }: Pick<UploadConfig, 'limits'>, purpose: Purpose): number {
  const { fileSize, profileSize } = limits
  if (purpose !== 'profile' || profileSize === 0) return fileSize
  return fileSize === 0 ? profileSize : Math.min(fileSize, profileSize)
}

/** How long files for a purpose are kept, in ms; 0 is as long as the account. */
export function retentionOf({ retention }: Pick<UploadConfig, 'retention'>, purpose: Purpose): number {
  return purpose === 'profile' ? retention.profile : retention.message
}

/**
 * Looks whether an account that has this much may announce another file, at `nowMs`.
 *
 * @throws StanzaError `resource-constraint`, with the time of the next try where one is known (XEP-0363 §5).
 */
export function checkQuota(
  config: Pick<UploadConfig, 'limits' | 'retention'>,
  usage: readonly Usage[],
  wish: { readonly size: number; readonly purpose: Purpose },
  nowMs: number,
): void {
  const { limits } = config
  const sum = (of: (one: Usage) => number, from = usage) => from.reduce((total, one) => total + of(one), 0)
  const recentMs = earliest(usage.map((one) => one.recentMs))
  if (isOver(sum((one) => one.recent) + 1, limits.perMinute))
    throw later(`You may announce ${limits.perMinute} files a minute.`, (recentMs ?? nowMs) + MINUTE_MS)
  if (isOver(sum((one) => one.open) + 1, limits.openSlots))
    throw later(
      `You have announced ${limits.openSlots} files that have not come yet.`,
      earliest(usage.map((one) => one.openUntilMs)),
    )
  const freed = earliest(usage.map((one) => roomMs(config, one)))
  if (isOver(sum((one) => one.files) + 1, limits.files))
    throw later(`You have ${limits.files} files here, and may not have more.`, freed)
  if (isOver(sum((one) => one.bytes) + wish.size, limits.quota))
    throw later(`Your files may take up ${limits.quota} bytes altogether.`, freed)
  if (wish.purpose !== 'profile') return
  const profile = usage.filter(({ purpose }) => purpose === 'profile')
  if (isOver(sum((one) => one.bytes, profile) + wish.size, limits.profileQuota))
    throw later(
      `The files of your profile may take up ${limits.profileQuota} bytes altogether.`,
      earliest(profile.map((one) => roomMs(config, one))),
    )
}

/**
 * Looks whether guests that have so many bytes together may announce so many more.
 *
 * @throws StanzaError `resource-constraint`.
 */
export function checkGuests({ limits }: Pick<UploadConfig, 'limits'>, bytes: number, size: number): void {
  if (isOver(bytes + size, limits.guestQuota))
    throw later(`The files of all guests may take up ${limits.guestQuota} bytes together.`, undefined)
}

/** When the first of what an account has is over. */
function roomMs(config: Pick<UploadConfig, 'retention'>, one: Usage): number | undefined {
  const kept = retentionOf(config, one.purpose)
  return earliest([
    one.openUntilMs,
    one.firstUntilMs,
    one.oldestMs !== null && kept > 0 ? one.oldestMs + kept : undefined,
  ])
}

function isOver(count: number, limit: number): boolean {
  return limit > 0 && count > limit
}

function earliest(times: readonly (number | null | undefined)[]): number | undefined {
  const known = times.filter((time) => typeof time === 'number')
  return known.length === 0 ? undefined : Math.min(...known)
}

function later(text: string, ms: number | undefined): StanzaError {
  const retry = ms === undefined ? {} : { app: xml('retry', { xmlns: NS_UPLOAD, stamp: toDatetime(ms) }) }
  return new StanzaError('resource-constraint', text, retry)
}
