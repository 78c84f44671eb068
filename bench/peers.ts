import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureCertificate } from '../src/net/certificate.ts'
import { domain, password, type ServerKind } from './server-kind.ts'

/** Prosody as Debian packages it, with the modules that do what Stonechat does by default, and no archive. */
export const prosody: ServerKind = {
  name: 'prosody',
  version: () => debianVersion('prosody', '/usr/bin/prosody'),
  prepare: async ({ folder, plainPort, tlsPort, accounts }) => {
    const { certificate, key } = await ensureCertificate(join(folder, 'certs'), [domain])
    const data = join(folder, 'data')
    const accountFolder = join(data, domain, 'accounts')
    mkdirSync(accountFolder, { recursive: true })
    for (let i = 0; i < accounts; i++)
      writeFileSync(join(accountFolder, `user${i}.dat`), `return {\n\t["password"] = "${password}";\n};\n`)
    const config = join(folder, 'prosody.cfg.lua')
    writeFileSync(
      config,
      `run_as_root = true
daemonize = false
pidfile = "${join(folder, 'prosody.pid')}"
data_path = "${data}"
network_backend = "epoll"
interfaces = { "127.0.0.1" }
c2s_ports = { ${plainPort} }
c2s_direct_tls_ports = { ${tlsPort} }
modules_enabled = {
  "roster", "saslauth", "tls", "disco", "ping", "version", "time", "lastactivity", "private", "vcard", "blocklist"
}
modules_disabled = { "s2s" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
ssl = { certificate = "${certificate}", key = "${key}" }
c2s_direct_tls_ssl = { certificate = "${certificate}", key = "${key}" }
log = { warn = "*console" }
VirtualHost "${domain}"
`,
    )
    return { command: 'prosody', args: ['-F', '--config', config] }
  },
}

/** ejabberd as Debian packages it, with Mnesia, the modules that do what Stonechat does by default, and no archive. */
export const ejabberd: ServerKind = {
  name: 'ejabberd',
  version: () => (ejabberdLibraries() === undefined ? undefined : debianVersion('ejabberd', '/usr/bin/erl')),
  prepare: async ({ folder, plainPort, tlsPort, accounts }) => {
    const { certificate, key } = await ensureCertificate(join(folder, 'certs'), [domain])
    const config = join(folder, 'ejabberd.yml')
    writeFileSync(
      config,
      `loglevel: warning
hosts: [${domain}]
certfiles: ["${certificate}", "${key}"]
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: [digest-md5, X-OAUTH2]
listen:
  - { port: ${plainPort}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, starttls_required: false, backlog: 1000 }
  - { port: ${tlsPort}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true, backlog: 1000 }
shaper_rules: { max_user_sessions: 1000, max_user_offline_messages: 100 }
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
`,
    )
    const register = `lists:foreach(fun(I) -> ejabberd_auth:try_register(<<"user", (integer_to_binary(I))/binary>>, <<"${domain}">>, <<"${password}">>) end, lists:seq(0, ${accounts - 1})), file:write_file("${join(folder, 'ready')}", <<>>).`
    return {
      command: 'erl',
      // Busy waiting of idle schedulers, on by default, would count as work: it is off, in ejabberd's favour.
      args: [
        ...['+K', 'true', '+P', '250000', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
        ...['-noinput', '-mnesia', 'dir', `"${join(folder, 'mnesia')}"`, '-s', 'ejabberd', '-eval', register],
      ],
      env: {
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
        ERL_LIBS: ejabberdLibraries()!,
        ERL_MAX_PORTS: '32000',
        HOME: folder,
      },
      started: () => untilThere(join(folder, 'ready')),
    }
  },
}

async function untilThere(path: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (existsSync(path)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the accounts were not made')
}

/** The folder of Erlang libraries that has ejabberd's. */
function ejabberdLibraries(): string | undefined {
  const roots = [
    '/usr/lib',
    ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : []),
  ]
  return roots.find((root) => {
    try {
      return readdirSync(root).some((name) => /^ejabberd-\d/.test(name))
    } catch {
      return false
    }
  })
}

function debianVersion(name: string, program: string): string | undefined {
  if (!existsSync(program)) return undefined
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '$' + '{Version}', name], { encoding: 'utf8' })
  return stdout || 'unknown'
}
