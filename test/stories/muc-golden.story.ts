import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { type Element, escapeXML, type Node } from '../../src/xml/element.ts'
import { root } from '../golden/files.ts'
import { opens } from '../support/room.ts'
import { story } from '../support/story.ts'

const GOLDEN = `${root}/test/golden/muc.xml`
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'

/** An element with each child on a line of its own, attributes sorted. */
function lines(node: Node, indent = ''): string {
  if (typeof node === 'string') return `${indent}${escapeXML(node)}\n`
  const { name, attrs, children } = node as Element
  const given = Object.entries(attrs).filter(([, value]) => value !== undefined)
  const attributes = given.sort().map(([key, value]) => ` ${key}="${escapeXML(String(value))}"`)
  const start = `${indent}<${name}${attributes.join('')}`
  if (children.length === 0) return `${start}/>\n`
  if (children.every((child) => typeof child === 'string'))
    return `${start}>${escapeXML(children.join(''))}</${name}>\n`
  return `${start}>\n${children.map((child) => lines(child, `${indent}  `)).join('')}${indent}</${name}>\n`
}

// The answers of service discovery (XEP-0045 §6) and the forms (§10.1.3, §7.10), as they are by default. To write them anew:
// GOLDEN=write node --test --test-isolation=none test/stories/muc-golden.story.ts
story(
  'The answers of the service and of a new room are those in test/golden/muc.xml',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const service = `conference.${s.domain}`
    const room = `verona@${service}`
    await opens(juliet, room, 'Juliet')
    const questions: [string, string][] = [
      [service, `<query xmlns='${INFO}'/>`],
      [service, `<query xmlns='${ITEMS}'/>`],
      [room, `<query xmlns='${INFO}'/>`],
      [room, `<query xmlns='${ITEMS}'/>`],
      [room, `<query xmlns='${INFO}' node='x-roomuser-item'/>`],
      [room, "<query xmlns='http://jabber.org/protocol/muc#owner'/>"],
      [room, "<query xmlns='jabber:iq:register'/>"],
    ]
    let text = ''
    for (const [to, query] of questions) {
      const answer = await juliet.asks`<iq type='get' to='${to}'>${query}</iq>`
      text += `<!-- ${to}: ${query} -->\n${lines(answer.getChildElements()[0]!)}\n`
    }
    if (process.env['GOLDEN'] === 'write') await writeFile(GOLDEN, text)
    assert.equal(text, await readFile(GOLDEN, 'utf8'))
  },
  { hosts: ['golden.example'] },
)
