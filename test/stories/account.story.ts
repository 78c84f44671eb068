import { accountDeleting } from '../../src/api.ts'
import { drain, story } from '../support/story.ts'

story('What comes for an account while it is being deleted is not kept for the next of its name', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.createAccount('juliet')
  const detach = s.host.hooks.attach(accountDeleting, async () => {
    // The modules have removed theirs; the account itself is still there.
    await romeo.sends`<message to='${juliet}' type='chat'><body>Hi</body></message>`
    await romeo.sends`<presence type='subscribe' to='${juliet}'/>`
    romeo.send(`<iq type='get' id='fence' to='${juliet}'><fence xmlns='urn:example'/></iq>`)
    await romeo.receives`<iq type='error' id='fence'/>`
  })
  await s.host.deleteAccount('juliet')
  detach()
  await s.host.accounts.create('juliet', 'wherefore art thou')
  const balcony = await s.online('juliet/balcony')
  await drain(romeo)
  await balcony.receivesNothing()
})
