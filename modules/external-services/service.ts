import { type ConfigOf, type Element, hmac, type OptionComplaint, option, toDatetime, xml } from '#api'

const service = option.group({
  type: option
    .string()
    .matching(/^[a-z][a-z0-9-]*$/, 'a type of service such as stun or turn')
    .describe('What it is, as the registrar names it.'),
  host: option
    .string()
    .matching(/^[A-Za-z0-9.:-]+$/, 'a domain or an IP address')
    .describe('Where it is.'),
  port: option.int().min(1).max(65535).optional().describe('Its port.'),
  transport: option.oneOf('udp', 'tcp').optional().describe('What it is reached by.'),
  name: option.string().min(1).optional().describe('What people call it.'),
  username: option.string().min(1).optional().describe('The name everybody logs in with there.'),
  password: option.secret().min(1).optional().describe('The password that goes with it.'),
  secret: option
    .secret()
    .min(1)
    .optional()
    .describe('What the server shares with a TURN server, of which each account gets credentials of its own.'),
  lifetime: option.duration().min('1m').default('12h').describe('How long those are good for.'),
})

/** The services there are. */
export const servicesOption = option
  .list(service)
  .default([])
  .describe(
    'Services such as STUN and TURN: type, host, port, transport, name, and username with password, or secret with lifetime.',
  )
  .example('[{ type: turn, host: turn.example.org, port: 3478, transport: udp, secret: { file: turn.secret } }]')

/** One service, as an admin describes it. */
export type ExternalService = ConfigOf<{ services: typeof servicesOption }>['services'][number]

/** What is wrong with services: half of what one needs to log in, or two ways to. */
export function complaints(services: readonly ExternalService[]): OptionComplaint[] {
  return services.flatMap(({ username, password, secret }, i) => {
    const option = `services[${i}]`
    if ((username === undefined) !== (password === undefined))
      return [{ option, message: 'has only one of username and password', cure: 'Give it both, or neither.' }]
    if (secret === undefined || username === undefined) return []
    return [{ option, message: 'has secret as well as username', cure: 'Take one of the two away.' }]
  })
}

/** Whether one needs credentials to use it. */
export function isRestricted({ username, secret }: ExternalService): boolean {
  return username !== undefined || secret !== undefined
}

/** A service with the credentials that an account, of which this is the local part, has there as of now (XEP-0215 §2). */
export function serviceElement(service: ExternalService, local: string, nowMs: number): Element {
  const { type, host, port, transport, name } = service
  return xml('service', { type, host, port: port?.toString(), transport, name, ...credentials(service, local, nowMs) })
}

function credentials(
  { username, password, secret, lifetime }: ExternalService,
  local: string,
  nowMs: number,
): Readonly<Record<string, string>> {
  if (username !== undefined) return { restricted: 'true', username, password: password! }
  if (secret === undefined) return {}
  // draft-uberti-behave-turn-rest §2.2: when they expire in seconds, and who it is; the TURN server knows the secret, too.
  const seconds = Math.floor((nowMs + lifetime) / 1000)
  const name = `${seconds}:${local}`
  return {
    restricted: 'true',
    username: name,
    password: hmac('sha1', secret, name).toString('base64'),
    expires: toDatetime(seconds * 1000),
  }
}
