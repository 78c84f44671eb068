import { defineModule, toDatetime, xep, xml } from '#api'
import { timeZoneOffset } from './time-zone.ts'

const NS = 'urn:xmpp:time'

export default defineModule({
  name: 'time',
  summary: "Tells the server's time and time zone.",
  implements: [xep(202, '2.0')],
  features: { host: [NS] },

  setup(ctx) {
    ctx.iq('get', 'host', 'time', NS, () => {
      const now = ctx.clock.now()
      const zone = timeZoneOffset(new Date(now).getTimezoneOffset())
      return xml('time', { xmlns: NS }, xml('tzo', null, zone), xml('utc', null, toDatetime(now)))
    })
  },
})
