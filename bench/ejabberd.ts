import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureCertificate } from '../src/net/certificate.ts'
import { debianVersion, libraryFolder } from './debian.ts'
import { longBody, longStanza } from './long-archive.ts'
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
  roomService,
  type ServerKind,
  type Surroundings,
} from './server-kind.ts'

const schemaFile = '/usr/share/ejabberd/sql/mysql.sql'

/** ejabberd as Debian packages it, with the modules that do what Stonechat is to do in a part of the bench. */
export const ejabberd: ServerKind = {
  name: 'ejabberd',
  ownStorage: 'Mnesia',
  version: () => (libraryFolder('ejabberd-') === undefined ? undefined : debianVersion('ejabberd', '/usr/bin/erl')),
  lacks: (_features, onMariadb) =>
    onMariadb && libraryFolder('p1_mysql-') === undefined ? 'erlang-p1-mysql' : undefined,
  prepare: async (where) => {
    const { folder, accounts, database } = where
    const config = join(folder, 'ejabberd.yml')
    writeFileSync(config, await configuration(where))
    await database?.query(readFileSync(schemaFile, 'utf8'))
    const register = `lists:foreach(fun(I) -> ejabberd_auth:try_register(<<"user", (integer_to_binary(I))/binary>>, <<"${domain}">>, <<"${password}">>) end, lists:seq(0, ${accounts - 1})), ${fillRosters(where)} file:write_file("${join(folder, 'ready')}", <<>>).`
    const launch = {
      command: 'erl',
      // Busy waiting of idle schedulers, on by default, would count as work: it is off, in ejabberd's favour.
      args: [
        ...['+K', 'true', '+P', '250000', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
        ...['-noinput', '-mnesia', 'dir', `"${join(folder, 'mnesia')}"`, '-s', 'ejabberd', '-eval', register],
      ],
      env: {
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
        ERL_LIBS: libraryFolder('ejabberd-')!,
        ERL_MAX_PORTS: '32000',
        HOME: folder,
      },
      started: () => untilThere(join(folder, 'ready')),
    }
    if (database === undefined) return launch
    return {
      ...launch,
      archivedRows: () => countRows(database, 'select count(*) from archive'),
      fillArchive: (range) => fill(database, range),
    }
  },
}

/** Erlang that writes rosters as mod_roster keeps them. */
function fillRosters({ folder, features: { rosters } }: Surroundings): string {
  if (rosters === undefined) return ''
  const file = join(folder, 'rosters.txt')
  const lines = Array.from({ length: rosters.owners }, (_, owner) =>
    contactsOf(owner, rosters).map((contact) => `{${owner}, ${contact}, <<"${contactName(contact)}">>}.\n`),
  )
  writeFileSync(file, lines.flat().join(''))
  const name = (number: string) => `<<"user", (integer_to_binary(${number}))/binary>>`
  const item = `{roster, {${name('O')}, <<"${domain}">>, J}, {${name('O')}, <<"${domain}">>}, J, N, both, none, [<<"${contactGroup}">>], <<>>, []}`
  return `{ok, Items} = file:consult("${file}"), lists:foreach(fun({O, C, N}) -> J = {${name('C')}, <<"${domain}">>, <<>>}, mnesia:dirty_write(${item}) end, Items),`
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
  return `loglevel: warning
hosts: [${domain}]
certfiles: ["${certificate}", "${key}"]
auth_method: ${database === undefined ? 'internal' : 'sql'}
${passwords(features)}
disable_sasl_mechanisms: [digest-md5, X-OAUTH2]
# It advises to, in its log, where there are many contacts.
cache_size: 100000
${database === undefined ? '' : storage(database)}
listen:
  - { port: ${plainPort}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, starttls_required: false, backlog: 1000 }
  - { port: ${tlsPort}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true, backlog: 1000 }
${features.uploads ? `  - { port: ${webPort}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: { /upload: mod_http_upload } }` : ''}${features.webSocket ? webSockets(webPort, webTlsPort) : ''}
shaper_rules: { max_user_sessions: 1000, max_user_offline_messages: 5000 }
modules:
  mod_roster: { versioning: true }
  mod_disco: {}
  mod_caps: {}
  mod_ping: {}
  mod_version: {}
  mod_time: {}
  mod_last: {}
  mod_private: {}
  mod_vcard: {}
  mod_privacy: {}
  mod_blocking: {}
  mod_offline: {}
${optionalModules(features)}${features.uploads ? uploads(folder, webPort) : ''}`
}

function webSockets(webPort: number, webTlsPort: number): string {
  const handler = 'ip: "127.0.0.1", module: ejabberd_http, request_handlers: { /xmpp-websocket: ejabberd_http_ws }'
  return `
  - { port: ${webPort}, ${handler} }
  - { port: ${webTlsPort}, tls: true, ${handler} }`
}

/** Files without limits that matter here. */
function uploads(folder: string, webPort: number): string {
  return `  mod_http_upload:
    access: all
    max_size: 10737418240
    docroot: "${join(folder, 'uploads')}"
    put_url: "http://@HOST@:${webPort}/upload"
`
}

/** Rooms without limits, and with all presences whatever the size. */
function rooms(archive: boolean | undefined): string {
  return `  mod_muc:
    host: ${roomService}
    max_users: 20000
    max_users_presence: 20000
    max_user_conferences: 20000
    default_room_options: { max_users: 20000, mam: ${archive === true} }
`
}

function passwords({ passwordHash }: Features): string {
  if (passwordHash === undefined) return 'auth_password_format: plain'
  return `auth_password_format: scram\nauth_scram_hash: ${passwordHash === 'SHA-1' ? 'sha' : 'sha256'}`
}

function optionalModules({ archive, carbons, streamManagement, pep, rooms: wantsRooms }: Features): string {
  return [
    archive && '  mod_mam: { db_type: sql, default: always, assume_mam_usage: false }\n',
    carbons && '  mod_carboncopy: {}\n',
    streamManagement && '  mod_stream_mgmt: {}\n',
    pep && '  mod_pubsub: { plugins: [flat, pep], max_items_node: 10 }\n',
    wantsRooms && rooms(archive),
  ]
    .filter(Boolean)
    .join('')
}

function storage({ host, port, user, password: secret, name }: DatabaseAccess): string {
  return `default_db: sql
sql_type: mysql
sql_server: "${host}"
sql_port: ${port}
sql_database: "${name}"
sql_username: "${user}"
sql_password: "${secret}"`
}

async function fill(database: DatabaseAccess, { from, to, peers, firstMs, stepMs }: ArchiveRange): Promise<void> {
  const peer = `concat('peer', seq % ${peers}, '@${domain}'`
  await database.query(
    `insert into archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick)
     select 'user0', (${firstMs} + seq * ${stepMs}) * 1000, ${peer}, '/x'), ${peer}),
       ${longStanza('seq', peers, 'jabber:client')}, '${longBody()}', 'chat', ''
     from seq_${from}_to_${to - 1}`,
  )
}

async function untilThere(path: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (existsSync(path)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the accounts were not made')
}
