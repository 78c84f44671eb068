import assert from 'node:assert/strict'
import { sessionsOf } from '../../modules/bosh/sessions.ts'
import { type Answer, BoshClient } from './bosh-client.ts'
import { type Story, type StoryOptions, story } from './story.ts'

/** Long enough for everything to be given up that waits for a client. */
const FOR_EVER = 600_000

const PATIENCE_MS = 10_000

/** What a story of BOSH has at hand besides. */
export interface BoshScene {
  /** A client that has said nothing yet. */
  client(): BoshClient
  /** Waits until so many of a client's requests are with the server, and have no answer. */
  untilHeld(client: BoshClient, count: number): Promise<void>
  /** Waits until there is something for a client to fetch. */
  untilOutput(client: BoshClient): Promise<void>
  /** Sends the next request, which is not answered at once: returns when the server has it. */
  holds(client: BoshClient, ...request: Parameters<BoshClient['post']>): Promise<Held>
}

/** A request that waits for its answer. */
export interface Held {
  readonly answer: Promise<Answer>
}

/** A story with clients that speak BOSH; it fails, too, when anything is left of their sessions long after. */
export function boshStory(
  title: string,
  scene: (s: Story, bosh: BoshScene) => Promise<void>,
  options: StoryOptions = {},
): void {
  const played = async (s: Story) => {
    try {
      await scene(s, sceneOf(s))
    } finally {
      // What waits for a request is given up, and then what is remembered of it.
      for (let i = 0; i < 2; i++) await s.advance(FOR_EVER)
      assert.equal(sessionsOf(s.database).count, 0)
    }
  }
  story(title, played, { notOn: { bosh: 'its clients come by BOSH on every bed' }, ...options })
}

function sceneOf(s: Story): BoshScene {
  const sessionOf = ({ sid }: BoshClient) => sessionsOf(s.database).find(sid!)
  const untilHeld = async (client: BoshClient, count: number) =>
    await until(() => sessionOf(client)?.listeners === count, `requests that wait were not ${count}`)
  return {
    client: () => new BoshClient((init) => s.fetch('/http-bind', init)),
    untilHeld,
    untilOutput: async (client) =>
      await until(() => sessionOf(client)?.connection.hasOutput === true, 'there was nothing to fetch'),
    async holds(client, ...request) {
      const before = sessionOf(client)!.listeners
      const answer = client.post(...request)
      await untilHeld(client, before + 1)
      return { answer }
    },
  }
}

async function until(isSo: () => boolean, complaint: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!isSo()) {
    assert.ok(performance.now() < deadline, complaint)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
