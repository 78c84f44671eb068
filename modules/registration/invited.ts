import { StanzaError } from '#api'
import type { AccountMaker, ChosenAccount } from '../invitations/hooks.ts'
import type { RegistrationLimit } from './limit.ts'
import type { NewAccount, NewAccountRules, NewAccounts, Stranger } from './new-accounts.ts'
import { checkName, checkPassword } from './request.ts'

/** Makes accounts by the same rules, and with the same limits, as clients that register in the stream; `tell` hears of each. */
export function accountMaker(
  newAccounts: NewAccounts,
  rules: Pick<NewAccountRules, 'maxNameLength' | 'minPasswordLength' | 'requireTls'>,
  tokens: RegistrationLimit,
  tell: (account: NewAccount, client: Stranger) => void,
): AccountMaker {
  return {
    minPasswordLength: rules.minPasswordLength,
    tokens,
    takes: ({ secure }) => secure || !rules.requireTls,
    faultsOf({ username, password }: ChosenAccount) {
      const name = refusalOf(() => checkName(username, rules))
      const secret = refusalOf(() => checkPassword(password, rules))
      return { ...(name !== undefined && { username: name }), ...(secret !== undefined && { password: secret }) }
    },
    async make(token, chosen, client) {
      const made = await newAccounts.make({ token, ...chosen }, client)
      tell(made, client)
      return made
    },
  }
}

/** What a check refuses with, in words. */
function refusalOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof StanzaError) return error.message
    throw error
  }
}
