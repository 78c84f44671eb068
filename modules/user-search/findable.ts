import { dataForm } from '#api'
import type { CommandOffer } from '../ad-hoc/hooks.ts'
import type { Directory } from './directory.ts'

/** The command by which people say whether they can be found. */
const NODE = 'urn:stonechat:user-search#findable'

/** Lets people say whether they can be found; `everybody` is whether those can who have not said so. */
export function findableCommand(directory: Directory, everybody: boolean): CommandOffer {
  return {
    target: 'self',
    node: NODE,
    name: 'Say whether others can find you',
    stages: [
      async ({ to }) => {
        const { wish } = await directory.choice(to.toString())
        const isOn = wish ?? everybody
        const field = {
          var: 'findable',
          type: 'boolean',
          label: 'Others can find me by my name',
          values: [isOn ? '1' : '0'],
        } as const
        return dataForm('form', NODE, [field], { title: 'User directory' })
      },
    ],
    run: async (filled, { to }) => {
      const wish = filled.get('findable')?.[0] === '1'
      await directory.choose(to.toString(), (was) => ({ ...was, wish }))
      return wish ? 'Others can find you now, if your vCard lets them.' : 'Nobody finds you any more.'
    },
  }
}
