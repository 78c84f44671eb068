import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureCertificate } from '../src/net/certificate.ts'
import { debianVersion, libraryFolder } from './debian.ts'
import { longStanza } from './long-archive.ts'
import {
  type ArchiveRange,
  contactGroup,
  contactName,
  contactsOf,
  countRows,
  type DatabaseAccess,
  domain,
  type Features,
  password,
  type Rosters,
  roomService,
  type ServerKind,
  type Surroundings,
} from './server-kind.ts'

/** Prosody as Debian packages it, with the modules that do what Stonechat is to do in a part of the bench. */
export const prosody: ServerKind = {
  name: 'prosody',
  ownStorage: 'files',
  version: () => debianVersion('prosody', '/usr/bin/prosody'),
  lacks: (_features, onMariadb) =>
    onMariadb && libraryFolder('liblua5.4-dbi-mysql') === undefined ? 'lua-dbi-mysql' : undefined,
  prepare: async (where) => {
    const { folder, accounts, database } = where
    const accountFolder = join(folder, 'data', domain, 'accounts')
    mkdirSync(accountFolder, { recursive: true })
    for (let i = 0; i < accounts; i++)
      writeFileSync(join(accountFolder, `user${i}.dat`), `return {\n\t["password"] = "${password}";\n};\n`)
    if (where.features.rosters !== undefined)
      writeRosters(join(folder, 'data', domain, 'roster'), where.features.rosters)
    const config = join(folder, 'prosody.cfg.lua')
    writeFileSync(config, await configuration(where))
    const launch = { command: 'prosody', args: ['-F', '--config', config] }
    if (database === undefined) return launch
    const count = `select count(*) from prosodyarchive where store in ('archive', 'muc_log')`
    return {
      ...launch,
      archivedRows: () => countRows(database, count),
      fillArchive: (range) => fill(database, range),
    }
  },
}

function writeRosters(folder: string, rosters: Rosters): void {
  mkdirSync(folder)
  for (let owner = 0; owner < rosters.owners; owner++) {
    const items = contactsOf(owner, rosters).map((contact) => {
      const groups = `["groups"] = { ["${contactGroup}"] = true; };`
      return `\t["user${contact}@${domain}"] = { ["subscription"] = "both"; ["name"] = "${contactName(contact)}"; ${groups} };\n`
    })
    const text = `return {\n\t[false] = { ["version"] = 1; };\n${items.join('')}};\n`
    writeFileSync(join(folder, `user${owner}.dat`), text)
  }
}

async function configuration({
  folder,
  plainPort,
  tlsPort,
  webPort,
  webTlsPort,
  features,
  database,
}: Surroundings): Promise<string> {
  const { certificate, key } = await ensureCertificate(join(folder, 'certs'), [domain])
  return `run_as_root = true
daemonize = false
pidfile = "${join(folder, 'prosody.pid')}"
data_path = "${join(folder, 'data')}"
network_backend = "epoll"
interfaces = { "127.0.0.1" }
c2s_ports = { ${plainPort} }
c2s_direct_tls_ports = { ${tlsPort} }
http_ports = { ${features.uploads || features.webSocket ? webPort : ''} }
https_ports = { ${features.webSocket ? webTlsPort : ''} }
https_interfaces = { "127.0.0.1" }
https_ssl = { certificate = "${certificate}", key = "${key}" }
http_interfaces = { "127.0.0.1" }
modules_enabled = {
  "roster", "saslauth", "tls", "disco", "ping", "version", "time", "lastactivity", "private", "vcard", "blocklist"${optionalModules(features)}
}
modules_disabled = { "s2s" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
${authentication(features)}
ssl = { certificate = "${certificate}", key = "${key}" }
c2s_direct_tls_ssl = { certificate = "${certificate}", key = "${key}" }
log = { warn = "*console" }
${database === undefined ? '' : storage(database)}
VirtualHost "${domain}"
${features.rooms ? rooms(features) : ''}${features.uploads ? uploads() : ''}`
}

/** Rooms without limits. Of those that were used last it keeps 100 in memory, and the others on disk, even while people are there. */
function rooms({ archive }: Features): string {
  return `Component "${roomService}" "muc"
  modules_enabled = { ${archive ? '"muc_mam"' : ''} }
`
}

/** Files without limits that matter here. */
function uploads(): string {
  return `Component "upload.${domain}" "http_file_share"
  http_file_share_size_limit = 10*1024*1024*1024
  http_file_share_daily_quota = 1024*1024*1024*1024
`
}

/** Accounts are written with their passwords; with a hash, they are converted at their first login. */
function authentication({ passwordHash }: Features): string {
  if (passwordHash === undefined) return 'authentication = "internal_plain"'
  return `authentication = "internal_hashed"\npassword_hash = "${passwordHash}"`
}

function optionalModules({ archive, carbons, streamManagement, pep, webSocket }: Features): string {
  const names = [
    archive && 'mam',
    carbons && 'carbons',
    streamManagement && 'smacks',
    pep && 'pep',
    webSocket && 'websocket',
  ]
  return names.map((name) => (name ? `, "${name}"` : '')).join('')
}

/** Messages, archived or waiting, are in the database; accounts and rosters stay in files. */
function storage({ host, port, user, password: secret, name }: DatabaseAccess): string {
  return `storage = { archive = "sql"; muc_log = "sql"; offline = "sql" }
sql = { driver = "MySQL", database = "${name}", username = "${user}", password = "${secret}", host = "${host}", port = ${port} }
default_archive_policy = true
archive_expires_after = "never"
muc_log_expires_after = "never"`
}

/** As `mod_storage_sql` would write them, which keeps whole seconds. */
async function fill(database: DatabaseAccess, { from, to, peers, firstMs, stepMs }: ArchiveRange): Promise<void> {
  await database.query(
    `insert into prosodyarchive (host, user, store, \`when\`, \`with\`, \`key\`, type, value)
     select '${domain}', 'user0', 'archive', floor((${firstMs} + seq * ${stepMs}) / 1000),
       concat('peer', seq % ${peers}, '@${domain}'), uuid(), 'xml', ${longStanza('seq', peers, 'jabber:client')}
     from seq_${from}_to_${to - 1}`,
  )
}
