import {
  accountDeleting,
  type CommandDeclaration,
  defineModule,
  option,
  partly,
  type Session,
  StanzaError,
  sessionOpened,
  soft,
} from '#api'
import { adHocCommands, type CommandRequest } from '../ad-hoc/hooks.ts'
import adHoc from '../ad-hoc/index.ts'
import offline from '../offline/index.ts'
import { sessionAvailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import roster from '../roster/index.ts'
import { announcingRuns } from './announcing.ts'
import { NS_ADMIN, offersOf } from './command-forms.ts'
import { administrationCommands } from './commands.ts'
import { Greeting } from './greeting.ts'
import { Roles } from './roles.ts'
import { StandingTexts } from './standing-texts.ts'
import { VisitStore } from './store.ts'
import { tellingRuns } from './telling.ts'
import { Visits } from './visits.ts'

/** For how long changes are gathered before they are written. */
const WRITE_AFTER_MS = 5000

export default defineModule({
  name: 'administration',
  summary: 'Lets admins run the server from their clients, and tell everybody something.',
  implements: [
    partly(
      133,
      '1.3.1',
      'Without block lists; the list of admins is shown, not edited; numbers of stanzas and logins are not counted.',
    ),
  ],
  options: {
    observers: option
      .list(option.jid())
      .distinct()
      .default([])
      .describe('Accounts that may run, from their clients, what only tells and changes nothing; admins may do all.')
      .example('[support@example.org]'),
  },
  commands: administrationCommands,
  depends: { adHoc: soft(adHoc), presence, offline: soft(offline), roster: soft(roster) },

  async setup(ctx) {
    const { host, clock, log, server, commands, config, deps } = ctx
    const complain = (error: unknown) => log.warn({ err: error }, 'times of logins could not be written')
    const later = (write: () => void) => void ctx.after(WRITE_AFTER_MS, write)
    const visits = new Visits(new VisitStore(ctx.db, host.domain), later, complain)
    const texts = new StandingTexts(ctx.kv)
    await texts.load()
    const madeMs = async (local: string) => (await host.accounts.get(local))?.createdMs
    const greeting = new Greeting(texts, visits, { madeMs })
    ctx.onStop(async () => {
      await greeting.idle()
      await visits.close()
    })
    ctx.on(sessionOpened, (session: Session) => {
      // One that is made again after a restart is no login.
      if (!session.resting) visits.note(session.user.jid.local, { loginMs: clock.now() })
    })
    ctx.on(sessionAvailable, (session) => {
      greeting.greet(session)?.catch((error) => log.warn({ err: error }, 'somebody could not be greeted'))
    })
    ctx.gate(accountDeleting, ({ jid }) => visits.forget(jid.local))

    const runs = {
      ...announcingRuns({ host, clock, texts, greeting, offline: deps.offline }),
      ...tellingRuns({ host, visits, roster: deps.roster, admins: server.admins }),
    }
    for (const [name, run] of Object.entries(runs)) ctx.command(name, run)

    const roles = new Roles(server.admins, config.observers.map(String))
    const check = ({ role }: Pick<CommandDeclaration, 'role'>, { from }: CommandRequest) => {
      const refusal = roles.refusal(from, role)
      if (refusal !== undefined) throw new StanzaError('forbidden', refusal)
    }
    // The password of an account is kept in a form that cannot be read back (XEP-0133 §4.6, retracted).
    ctx.add(adHocCommands, {
      target: 'host',
      node: `${NS_ADMIN}#get-user-password`,
      name: 'Get User Password',
      isListed: false,
      may: (request) => check({ role: 'admin' }, request),
      run: () => {
        throw new StanzaError('not-allowed', 'Nobody can read a password; set a new one.')
      },
    })
    ctx.onReady(() => {
      const note = ({ name }: CommandDeclaration, { from }: CommandRequest, args: readonly string[]) =>
        log.info({ by: from.toString(), command: name, args }, 'a command was run by a client')
      // Admins are those of the server; observers those of the host.
      const perform = (name: string, args: readonly string[], { from }: CommandRequest) =>
        commands.perform(name, args, roles.refusal(from) === undefined ? undefined : host.domain)
      for (const declaration of commands.of(host.domain))
        for (const offer of offersOf(declaration, { perform, check, note })) ctx.add(adHocCommands, offer)
    })
  },
})
