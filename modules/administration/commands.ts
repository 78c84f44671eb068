import type { CommandDeclaration, CommandForm } from '#api'
import { NS_ADMIN } from './command-forms.ts'

const form = (node: string, name: string, title?: string, instructions?: string): CommandForm => ({
  node: `${NS_ADMIN}#${node}`,
  name,
  ...(title !== undefined && { title }),
  ...(instructions !== undefined && { instructions: `Fill out this form to ${instructions}.` }),
})
const domain = { name: 'domain', summary: 'The domain.', kind: 'host' } as const
const several = (purpose: string) =>
  ({
    name: 'jids',
    summary: 'The accounts, as user@domain.',
    kind: 'jids',
    field: 'accountjids',
    label: `The Jabber ID(s) for which to retrieve the ${purpose}`,
  }) as const
const text = (field: string, label: string, summary: string) =>
  ({ name: 'text', summary, kind: 'lines', field, label }) as const

const announcement = text('announcement', 'Announcement', 'What they are told, in quotes.')
const motd = text('motd', 'Message of the Day', 'What everybody is told once, in quotes.')

const announcing: readonly CommandDeclaration[] = [
  {
    name: 'announce online',
    summary: 'Tells something to everybody who is online.',
    args: [domain, announcement],
    forms: [
      form(
        'announce',
        'Send Announcement to Online Users',
        'Making an Announcement',
        'make an announcement to all active users of this service',
      ),
    ],
  },
  {
    name: 'announce all',
    summary: 'Tells something to everybody; whoever is offline gets it later.',
    args: [domain, announcement],
  },
  {
    name: 'motd set',
    summary: 'Sets a message that everybody gets once, now or at the next login.',
    args: [domain, motd],
    forms: [form('set-motd', 'Set Message of the Day', 'Setting the Message of the Day', 'set the message of the day')],
  },
  {
    name: 'motd edit',
    summary: 'Corrects the message of the day for those who have not got it yet.',
    args: [domain, motd],
    forms: [
      {
        ...form(
          'edit-motd',
          'Edit Message of the Day',
          'Editing the Message of the Day',
          'edit the message of the day',
        ),
        current: 'motd show',
      },
    ],
  },
  {
    name: 'motd delete',
    summary: 'Takes the message of the day back.',
    args: [domain],
    forms: [form('delete-motd', 'Delete Message of the Day')],
  },
  { name: 'motd show', summary: 'Shows the message of the day.', args: [domain], role: 'observer' },
  {
    name: 'welcome set',
    summary: 'Sets a message that new accounts get at their first login.',
    args: [domain, text('welcome', 'Welcome Message', 'What newcomers are told, in quotes.')],
    forms: [
      {
        ...form(
          'set-welcome',
          'Set Welcome Message',
          'Setting Welcome Message',
          'set the welcome message for this service',
        ),
        current: 'welcome show',
      },
    ],
  },
  {
    name: 'welcome delete',
    summary: 'Takes the welcome message back.',
    args: [domain],
    forms: [form('delete-welcome', 'Delete Welcome Message')],
  },
  { name: 'welcome show', summary: 'Shows the welcome message.', args: [domain], role: 'observer' },
]

const telling: readonly CommandDeclaration[] = [
  {
    name: 'user roster',
    summary: 'Shows the contact lists of accounts.',
    args: [several('roster')],
    forms: [form('get-user-roster', 'Get User Roster', 'Getting a User’s Roster', 'get a user’s roster')],
  },
  {
    name: 'user last-login',
    summary: 'Says when accounts logged in last.',
    args: [several('last login time')],
    role: 'observer',
    forms: [
      form(
        'get-user-lastlogin',
        'Get User Last Login Time',
        'Getting a User’s Last Login Time',
        'get a user’s last login time',
      ),
    ],
  },
  {
    name: 'user statistics',
    summary: 'Says how an account uses the server.',
    args: [
      {
        name: 'jid',
        summary: 'The account, as user@domain.',
        kind: 'jid',
        field: 'accountjid',
        label: 'The Jabber ID for statistics',
      },
    ],
    role: 'observer',
    forms: [form('user-stats', 'Get User Statistics', 'Get User Statistics', 'gather user statistics')],
  },
  {
    name: 'admin list',
    summary: 'Says who is an admin; server.yaml is where that is changed.',
    args: [domain],
    role: 'observer',
    forms: [form('edit-admin', 'Edit Admin List')],
  },
]

/** The commands of this module. */
export const administrationCommands: readonly CommandDeclaration[] = [...announcing, ...telling]
