import type { ServerConfig } from './config/server-config.ts'
import type { OutputLimits } from './net/tcp-connection.ts'
import type { StreamSettings } from './stream/stream-context.ts'

/** What a client that reads slowly may leave unread. */
export function outputLimits({ limits }: ServerConfig): OutputLimits {
  const { pause, drop, time } = limits.outbound
  return { pauseBytes: pause, dropBytes: drop, pauseMs: time }
}

/** The options of client streams. */
export function streamSettings(config: ServerConfig): StreamSettings {
  const { preAuth, stanza, ...limits } = config.limits
  return {
    requireTls: config.requireTls,
    mechanisms: config.auth.mechanisms,
    downgradeProtection: config.auth.scramDowngradeProtection,
    preAuthLimits: {
      bytes: preAuth.bytes,
      elements: preAuth.elements,
      depth: stanza.depth,
      attributes: stanza.attributes,
    },
    preAuthMs: preAuth.time,
    loginAttempts: config.auth.guesses.perConnection,
    liveLimits: stanza,
    sessionsPerAccount: limits.sessionsPerAccount,
    resourceConflict: config.resourceConflict,
    closeMs: limits.closeTimeout,
  }
}
