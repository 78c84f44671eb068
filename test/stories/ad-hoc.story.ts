import assert from 'node:assert/strict'
import { adHocCommands } from '../../modules/ad-hoc/hooks.ts'
import { NS_COMMANDS } from '../../modules/ad-hoc/index.ts'
import { dataForm, defineModule } from '../../src/api.ts'
import type { AnyModule } from '../../src/module/define.ts'
import { command, gives, nodesOf } from '../support/commands.ts'
import { type Actor, story } from '../support/story.ts'

/** A module that offers a command of accounts and one of the host. */
const play = defineModule({
  name: 'test-ad-hoc-play',
  summary: 'Plays.',
  implements: [],
  setup(ctx) {
    ctx.add(adHocCommands, {
      target: 'self',
      node: 'mood',
      name: 'Say how you are',
      stages: [
        () => dataForm('form', 'urn:mood', [{ var: 'mood', type: 'text-single', required: true }]),
        () => dataForm('form', 'urn:mood', [{ var: 'why', type: 'text-multi' }]),
      ],
      run: (filled, { from, to, user }) =>
        `${from} of ${to} (${user?.sessions.size}) is ${filled.get('mood')} since ${filled.get('why')?.join('; ')}`,
    })
    ctx.add(adHocCommands, { target: 'host', node: 'rose', name: 'Smell', run: () => 'As sweet.' })
  },
}) as AnyModule
const options = { extra: [play] }

const info = (to: string, node?: string) =>
  `<iq type='get' to='${to}'><query xmlns='http://jabber.org/protocol/disco#info'${node === undefined ? '' : ` node='${node}'`}/></iq>`

async function offersCommands(actor: Actor, to: string): Promise<boolean> {
  const query = (await actor.asks`${info(to)}`).getChildElements()[0]!
  return query.getChildren('feature').some(({ attrs }) => attrs['var'] === NS_COMMANDS)
}

story(
  'An account has commands for its owner alone, and the host for whoever may give them // XEP-0050 §2.1, §2.2',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await s.befriend(romeo, juliet)
    for (const to of [s.domain, romeo.bare]) assert.ok(await offersCommands(romeo, to), to)
    assert.ok((await nodesOf(romeo, romeo.bare)).includes('mood'))
    const ofHost = await nodesOf(juliet, s.domain)
    assert.ok(ofHost.includes('rose') && !ofHost.includes('mood'))
    assert.equal((await gives(juliet, s.domain, 'rose')).getChildText('note'), 'As sweet.')
    const about = (await romeo.asks`${info(romeo.bare, 'mood')}`).getChildElements()[0]!
    assert.equal(about.getChild('identity')!.attrs['type'], 'command-node')

    // To others there is nothing, whoever they are and whether the account is there or not.
    await juliet.isRefused('item-not-found')`${info(romeo.bare, 'mood')}`
    for (const to of [romeo.bare, `nobody@${s.domain}`])
      await juliet.isRefused('service-unavailable')`${command(to, 'mood')}`
    await romeo.receivesNothing()
  },
  options,
)

story(
  'A command goes stage by stage, for the client that began it // XEP-0050 §2.4, §3.3, §4.4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const street = await s.login('romeo/street')
    const first = await gives(romeo, romeo.bare, 'mood')
    assert.equal(first.getChild('actions')!.attrs['execute'], 'next')
    const id = first.attrs['sessionid']!
    const bad = await street.isRefused(
      'bad-request',
      'modify',
    )`${command(romeo.bare, 'mood', { mood: 'sad' }, `sessionid='${id}'`)}`
    assert.ok(bad.getChild('error')!.getChild('bad-sessionid', NS_COMMANDS))
    const empty = await romeo.isRefused(
      'bad-request',
      'modify',
    )`${command(romeo.bare, 'mood', { mood: '' }, `sessionid='${id}'`)}`
    assert.ok(empty.getChild('error')!.getChild('bad-payload', NS_COMMANDS))
    await gives(romeo, romeo.bare, 'mood', { mood: 'sad' }, id)
    const done = await gives(romeo, romeo.bare, 'mood', { why: ['Rosaline', 'night'] }, id)
    assert.equal(done.getChildText('note'), `${romeo.jid} of ${romeo.bare} (2) is sad since Rosaline; night`)
    // Over, or waiting for too long: it has expired.
    const late = (await gives(romeo, romeo.bare, 'mood')).attrs['sessionid']!
    await s.advance(15 * 60_000)
    for (const sessionId of [id, late]) {
      const over = await romeo.isRefused(
        'not-allowed',
        'cancel',
      )`${command(romeo.bare, 'mood', { mood: 'x' }, `sessionid='${sessionId}'`)}`
      assert.ok(over.getChild('error')!.getChild('session-expired', NS_COMMANDS))
    }
    await romeo.isRefused('item-not-found', 'cancel')`${command(romeo.bare, 'nonsense')}`
    await romeo.isRefused('bad-request')`${command(romeo.bare, 'mood', undefined, "xml:lang='it'")}`
  },
  options,
)
