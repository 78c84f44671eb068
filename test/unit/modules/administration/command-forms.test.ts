import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FormCommands, offersOf } from '../../../../modules/administration/command-forms.ts'
import { Roles } from '../../../../modules/administration/roles.ts'
import { type CommandDeclaration, CommandError, type CommandReply, Jid, StanzaError } from '../../../../src/api.ts'

const request = { from: Jid.parse('escalus@verona.example/palace'), to: Jid.parse('verona.example'), user: undefined }

/** A declaration as clients get it, over commands that note what they were given. */
function stage(declaration: Omit<CommandDeclaration, 'name' | 'summary'>, reply: CommandReply = { lines: [] }) {
  const performed: (readonly string[])[] = []
  const noted: (readonly string[])[] = []
  const commands: FormCommands = {
    perform: async (name, args) => {
      performed.push([name, ...args])
      if (args.includes('fail')) throw new CommandError('No.', 'conflict')
      return name === 'rose show' ? { lines: [], fields: [{ var: 'text', values: ['a', 'b'] }] } : reply
    },
    check: () => {},
    note: (_, __, args) => void noted.push(args),
  }
  const offers = offersOf({ name: 'rose plant', summary: 'Plants a rose.', ...declaration }, commands)
  const run = (filled: Record<string, readonly string[]>) => offers[0]!.run(new Map(Object.entries(filled)), request)
  return { offers, performed, noted, run }
}

const badPayload = (error: unknown) => error instanceof StanzaError && error.extra?.app?.name === 'bad-payload'

test('a command without arguments asks for nothing, and its name and node follow from it', async () => {
  const { offers, performed } = stage({ args: [{ name: 'domain', summary: '', kind: 'host' }] })
  const [{ node, name, stages, target }] = offers as [(typeof offers)[number]]
  assert.deepEqual([node, name, stages, target], ['urn:stonechat:admin#rose-plant', 'Plants a rose', [], 'host'])
  await offers[0]!.run(new Map(), request)
  assert.deepEqual(performed, [['rose plant', 'verona.example']])
  assert.deepEqual(stage({ role: 'nobody' }).offers, [])
})

test('fields become arguments in their order; what may be left out leaves no gap', async () => {
  const args: CommandDeclaration['args'] = [
    { name: 'jid', summary: '', kind: 'jid', field: 'accountjid' },
    { name: 'colour?', summary: '' },
    { name: 'text?', summary: '', kind: 'lines' },
  ]
  const { run, performed } = stage({ args })
  await run({ accountjid: ['a@b'] })
  await run({ accountjid: ['a@b'], colour: ['red'], text: ['one', '', 'two'] })
  await assert.rejects(async () => run({ accountjid: ['a@b'], text: ['one'] }), badPayload)
  assert.deepEqual(
    performed.map((words) => words.slice(1)),
    [['a@b'], ['a@b', 'red', 'one\n\ntwo']],
  )
  const proposing = stage({ args: [{ name: 'colour?', summary: '', proposed: 'white' }, ...args.slice(2)] })
  await proposing.run({ text: ['one'] })
  assert.deepEqual(proposing.performed, [['rose plant', 'white', 'one']])
})

test('a form shows what is there, and presets what it does not ask for', async () => {
  const args: CommandDeclaration['args'] = [
    { name: 'domain', summary: '', kind: 'host' },
    { name: 'kind', summary: '' },
    { name: 'text', summary: 'What it says.', kind: 'lines' },
  ]
  const form = { node: 'n', name: 'N', current: 'rose show', preset: { kind: 'wild' } }
  const { offers, run, performed } = stage({ args, forms: [form] })
  const shown = await offers[0]!.stages![0]!(request, new Map())
  const fields = shown.getChildren('field').map((field) => [field.attrs['var'], field.getChildren('value').length])
  assert.deepEqual(fields, [
    ['FORM_TYPE', 1],
    ['text', 2],
  ])
  await run({ text: ['c'] })
  assert.deepEqual(performed, [
    ['rose show', 'verona.example'],
    ['rose plant', 'verona.example', 'wild', 'c'],
  ])
})

test('a password comes last, must be the same twice where that is asked, and is in no log', async () => {
  const { run, performed, noted } = stage({ password: true, forms: [{ node: 'n', name: 'N', verify: true }] })
  await assert.rejects(async () => run({ password: ['a'], 'password-verify': ['b'] }), badPayload)
  await run({ password: ['a'], 'password-verify': ['a'] })
  assert.deepEqual([performed, noted], [[['rose plant', 'a']], [[]]])
})

test('a sentence is a note, more is a form, and a failure an error // XEP-0050 §3.6, XEP-0133 §5', async () => {
  const names = async (reply: CommandReply) =>
    ((await stage({}, reply).run({})) as readonly { name: string }[]).map(({ name }) => name)
  assert.deepEqual(await names({ lines: [] }), [])
  assert.deepEqual(await names({ lines: ['Done.'] }), ['note'])
  assert.deepEqual(await names({ lines: ['One.', 'Two.'] }), ['x'])
  assert.deepEqual(await names({ lines: ['1'], fields: [{ var: 'n' }] }), ['x'])
  const { run } = stage({ args: [{ name: 'a', summary: '' }] })
  await assert.rejects(
    async () => run({ a: ['fail'] }),
    (error) => error instanceof StanzaError && error.condition === 'conflict' && error.message === 'No.',
  )
})

test('admins may do all but what is for the command line, observers what only tells, others nothing', () => {
  const roles = new Roles(['escalus@verona.example'], ['lawrence@verona.example'])
  const may = (who: string, role?: 'admin' | 'nobody' | 'observer') =>
    roles.refusal(Jid.parse(`${who}@verona.example/x`), role) === undefined
  assert.deepEqual(
    ['escalus', 'lawrence', 'romeo'].map((who) => [
      may(who),
      may(who, 'admin'),
      may(who, 'observer'),
      may(who, 'nobody'),
    ]),
    [
      [true, true, true, false],
      [false, false, true, false],
      [false, false, false, false],
    ],
  )
})
