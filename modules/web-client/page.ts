/** What the page is made of. */
export interface PageFacts {
  readonly domain: string
  readonly title: string
  readonly theme: string
  readonly darkTheme: string
  /** Whether it offers to make accounts. */
  readonly registration: boolean
  /** Whether those can come in who have no account. */
  readonly guests: boolean
  /** The paths of this host on which a client can connect; one of them at least. */
  readonly websocket: string | undefined
  readonly bosh: string | undefined
  /** Where the world finds this host, such as `https://example.org:5443`: pictures may come from there. */
  readonly webUrl: string | undefined
  /** Where the files of Converse.js are, without a slash at the end. */
  readonly assets: string
}

/** The page: an empty one, which its scripts fill. */
export function chatPage({ title, domain, assets }: PageFacts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="${assets}/images/favicon.ico">
<link rel="stylesheet" href="${assets}/converse.min.css">
<script type="module" src="${assets}/converse.min.js"></script>
<script type="module" src="/chat/config.js"></script>
</head>
<body class="converse-fullscreen">
<noscript>
<p>This page needs JavaScript. You can also use any other XMPP client with your account on ${escapeHtml(domain)}.</p>
</noscript>
</body>
</html>
`
}

/** The page for those who have no account; it differs in its address only. */
export const GUEST_PATH = '/chat/guest'

/** The script that starts Converse.js with what this host needs. */
export function startScript(facts: PageFacts): string {
  const { title, domain, guests, assets } = facts
  const version = /[^/]+$/.exec(assets)?.[0]
  const other = guests ? { guest: GUEST_PATH, account: '/chat' } : undefined
  return `import converse from ${JSON.stringify(`${assets}/converse.min.js`)}

const { title, version, other } = ${JSON.stringify({ title, version, other })}
const isGuest = location.pathname === other?.guest
const here = (path, scheme) => {
  const url = new URL(path, location.href)
  if (scheme !== undefined) url.protocol = location.protocol.replace('http', scheme)
  return url.href
}
const element = (name, attributes, ...content) => {
  const made = Object.assign(document.createElement(name), attributes)
  made.append(...content)
  return made
}
const define = (name, content) =>
  customElements.define(name, class extends HTMLElement {
    connectedCallback() {
      this.replaceChildren(...content())
    }
  })

// Its own have logos and advertisements from other servers in them, and links to its makers as if they ran this one.
define('converse-brand-logo', () => [element('h1', { className: 'text-center my-4' }, title)])
define('converse-controlbox-navbar', () => [])
define('converse-footer', () => {
  const link = (href, text) => element('a', { href, rel: 'noopener noreferrer' }, text)
  const lines = [element('p', { className: 'subdued my-3' }, 'Chat by ', link('https://conversejs.org', 'Converse.js ' + version))]
  if (other !== undefined)
    lines.unshift(isGuest ? link(other.account, 'Log in with an account') : link(other.guest, 'Come in as a guest'))
  return [element('div', { className: 'text-center' }, ...lines)]
})

// COMPAT(Converse.js 14): who accepts a request is to ask in return, but calls a method that does something else.
converse.plugins.add('mutual-contacts', {
  dependencies: ['converse-roster'],
  initialize() {
    const { prototype } = this._converse.exports.RosterContact
    const { subscribe } = prototype
    prototype.subscribe = function (...args) {
      return args.length === 0 ? this.subscribeToPresence() : subscribe.apply(this, args)
    }
  },
})

converse.initialize({
${Object.entries(settings(facts))
  .map(([name, value]) => `  ${name}: ${JSON.stringify(value)},\n`)
  .join(
    '',
  )}${connection(facts)}  ...(isGuest && { authentication: 'anonymous', jid: ${JSON.stringify(domain)}, muc_nickname_from_jid: false }),
})
`
}

/**
 * The path is this host's, but the name and port are those by which the browser has found the page. BOSH is only for where there is no
 * WebSocket: given both, Converse.js goes from one to the other whenever it cannot connect, and comes back to no session.
 */
function connection({ bosh, websocket }: PageFacts): string {
  if (websocket !== undefined) return `  websocket_url: here(${JSON.stringify(websocket)}, 'ws'),\n`
  return `  bosh_service_url: here(${JSON.stringify(bosh)}),\n`
}

/** Converse.js is told to keep to this server: no lists of providers, no search of rooms, no players and pictures of others. */
function settings({ domain, theme, darkTheme, registration, webUrl, assets }: PageFacts): Record<string, unknown> {
  const mediaDomains = webUrl === undefined ? [] : [new URL(webUrl).hostname]
  return {
    assets_path: assets,
    sounds_path: `${assets}/sounds/`,
    notification_icon: `${assets}/images/logo/conversejs-filled.svg`,
    view_mode: 'fullscreen',
    theme,
    dark_theme: darkTheme,
    loglevel: 'warn',
    whitelisted_plugins: ['mutual-contacts'],
    authentication: 'login',
    auto_login: false,
    locked_domain: domain,
    discover_connection_methods: false,
    allow_registration: registration,
    registration_domain: domain,
    xmpp_providers_url: '',
    autocomplete_providers_url: '',
    providers_link: '',
    // COMPAT(Converse.js 14): without one there is no field for a room's name. This one finds nothing.
    muc_search_service: domain,
    muc_nickname_from_jid: true,
    use_system_emojis: true,
    emoji_image_path: '',
    fetch_url_headers: false,
    embed_3rd_party_media_players: false,
    allowed_audio_domains: mediaDomains,
    allowed_image_domains: mediaDomains,
    allowed_video_domains: mediaDomains,
  }
}

/**
 * What the page may do: run its own scripts, of which Converse.js needs styles on elements and OMEMO needs WebAssembly, connect to
 * this server, and show what is kept here.
 */
export function pagePolicy({ webUrl }: Pick<PageFacts, 'webUrl'>): string {
  const own = webUrl === undefined ? '' : ` ${new URL(webUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    `img-src 'self' data: blob:${own}`,
    `media-src 'self' data: blob:${own}`,
    `connect-src 'self'${own}${own.replace(' http', ' ws')}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** A text as it stands in HTML, in elements and in attributes. */
function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
