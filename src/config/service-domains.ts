import { Jid } from '../jid/jid.ts'

/**
 * The domains of the services that a host is to have, prepared as those of all addresses are: a name without a dot stands
 * for that name before the domain of the host.
 *
 * @throws Error that says which name is no domain, or is given twice.
 */
export function serviceDomains(names: readonly string[], host: string): readonly string[] {
  const domains = new Set<string>()
  for (const name of names) {
    const domain = preparedDomain(name.includes('.') ? name : `${name}.${host}`)
    if (domain === undefined) throw new Error(`the option services has ${name}, which makes no domain`)
    if (domains.has(domain)) throw new Error(`the option services has ${domain} twice`)
    domains.add(domain)
  }
  return [...domains]
}

function preparedDomain(text: string): string | undefined {
  const jid = Jid.tryParse(text)
  return jid?.local === '' && jid.isBare ? jid.domain : undefined
}
