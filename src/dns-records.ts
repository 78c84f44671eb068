import { domainToASCII } from 'node:url'
import type { ServerConfig } from './config/server-config.ts'
import type { Setup } from './setup.ts'
import { webUrl } from './web-door.ts'

const TTL_SECONDS = 3600

/**
 * The DNS records by which clients find the hosts (RFC 6120 §3.2.1, XEP-0368), as lines of a zone file with comments; `machine` is
 * the name of the one that the server runs on, else they name the domains themselves.
 */
export function dnsRecords({ config, enabled }: Setup, machine: string | undefined): string[] {
  return config.hosts.flatMap((domain, n) => {
    const isOn = (name: string) => enabled.get(domain)?.some(({ module }) => module.name === name) === true
    const url = webUrl(config, domain)
    return [
      ...(n > 0 ? [''] : []),
      ...services(config.listen, domain, machine),
      ...(url === undefined ? [] : webLines(domain, url)),
      ...(url === undefined ? [] : oldLines(domain, url, isOn)),
    ]
  })
}

function services(
  { client, clientTls }: ServerConfig['listen'],
  domain: string,
  machine: string | undefined,
): string[] {
  const target = `${domainToASCII(machine ?? domain)}.`
  // RFC 2782: a target of `.` says that the service is decidedly not there.
  const record = (name: string, port: number) =>
    `${name}._tcp.${domainToASCII(domain)}. ${TTL_SECONDS} IN SRV ${port > 0 ? `5 1 ${port} ${target}` : '0 0 0 .'}`
  return [
    `; Clients of ${domain}: STARTTLS, and TLS from the first byte (XEP-0368). ${target} needs an A or AAAA record.`,
    record('_xmpp-client', client.port),
    record('_xmpps-client', clientTls.port),
    '; Other servers need not try: this one speaks with none.',
    record('_xmpp-server', 0),
  ]
}

/** What a browser asks instead of the DNS. */
function webLines(domain: string, url: string): string[] {
  const there = `https://${domainToASCII(domain)}/.well-known/host-meta`
  return [
    `; Browsers cannot ask the DNS. They read ${there} and host-meta.json (XEP-0156),`,
    url === `https://${domainToASCII(domain)}`
      ? '; which this server answers.'
      : `; so have the web server of ${domain} redirect both to ${url}/.well-known/….`,
  ]
}

/** Until version 1.4 XEP-0156 had these, by which whoever can forge DNS answers leads clients away. */
function oldLines(domain: string, url: string, isOn: (module: string) => boolean): string[] {
  const ways = [
    ...(isOn('websocket') ? [`_xmpp-client-websocket=${url.replace(/^http/, 'ws')}/xmpp-websocket`] : []),
    ...(isOn('bosh') ? [`_xmpp-client-xbosh=${url}/http-bind`] : []),
  ]
  if (ways.length === 0) return []
  return [
    '; Only for clients that know nothing newer, in a zone that is signed (DNSSEC): XEP-0156 has dropped these as unsafe.',
    ...ways.map((way) => `; _xmppconnect.${domainToASCII(domain)}. ${TTL_SECONDS} IN TXT "${way}"`),
  ]
}
