import { createHash } from 'node:crypto'

/** What every page of an invitation tells. */
export interface PageFacts {
  readonly domain: string
  /** The page on which one can chat in the browser, if there is one. */
  readonly chat: string | undefined
}

/** What the form for a new account has in it. */
export interface FormFacts {
  readonly username: string
  /** Whether the name is given by the invitation. */
  readonly fixed: boolean
  readonly minPasswordLength: number
  /** What is wrong with what was sent, by field; under `form` what is wrong with all of it. */
  readonly faults: { readonly [field in 'form' | 'username' | 'password' | 'again']?: string }
}

/** What the page of an invitation tells. */
export interface InvitationFacts extends PageFacts {
  /** The address of whoever invites; nobody's when the server does. */
  readonly inviter: string | undefined
  /** The address of the account that is to be made, where it is given. */
  readonly account: string | undefined
  readonly uri: string
  /** ISO 8601, UTC. */
  readonly expires: string
  /** The form, a reason why there is none, or nothing where no account can be made. */
  readonly form: FormFacts | { readonly refusal: string } | undefined
}

const styles = `
:root { color-scheme: light dark; --text: #1c2733; --soft: #4c5a68; --back: #f3f5f7; --card: #fff; --line: #c5cdd5; --link: #0b5c9c; --button: #0b5c9c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e8edf2; --soft: #b3bfca; --back: #12181e; --card: #1b242d; --line: #4a5865; --link: #8cc4f5; --button: #1f6fae; --bad: #ffb4ab; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 38rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .25rem 1.25rem 1.25rem; margin: 1.25rem 0; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; }
p, dd, li { overflow-wrap: anywhere; }
a { color: var(--link); }
.soft, .hint, dt { color: var(--soft); }
.hint { font-size: .9rem; margin: .15rem 0 0; }
.button, button { display: inline-block; background: var(--button); color: #fff; border: 0; border-radius: .5rem; padding: .7rem 1.4rem; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
label { display: block; font-weight: 600; margin-top: 1rem; }
.name { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem; }
.name input { flex: 1 1 10rem; }
input { width: 100%; padding: .6rem .7rem; border: 1px solid var(--soft); border-radius: .5rem; font: inherit; color: inherit; background: var(--card); }
input[readonly] { background: var(--back); }
input[aria-invalid] { border: 2px solid var(--bad); }
.fault { color: var(--bad); font-weight: 600; margin: .3rem 0 0; }
button { margin-top: 1.25rem; }
dt { margin-top: .7rem; }
dd { margin: 0; }
code { font-size: .85rem; user-select: all; }
`

/** What a page may do: look as it does, and send its form here. Nothing of it runs, and nothing is loaded. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(styles).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Programs by what they run on; names and links only, so that nobody else hears of the visit. */
const clients: readonly [system: string, programs: readonly (readonly [name: string, url: string])[]][] = [
  [
    'Android',
    [
      ['Conversations', 'https://conversations.im/'],
      ['Cheogram', 'https://cheogram.com/'],
    ],
  ],
  [
    'iPhone and iPad',
    [
      ['Monal', 'https://monal-im.org/'],
      ['Siskin', 'https://siskin.im/'],
    ],
  ],
  [
    'Linux',
    [
      ['Dino', 'https://dino.im/'],
      ['Gajim', 'https://gajim.org/'],
    ],
  ],
  [
    'macOS',
    [
      ['Monal', 'https://monal-im.org/'],
      ['Beagle', 'https://beagle.im/'],
    ],
  ],
  ['Windows', [['Gajim', 'https://gajim.org/']]],
]

/** The page of an invitation that works (XEP-0379 §3.3). */
export function invitationPage(facts: InvitationFacts): string {
  const { domain, inviter, account, uri, expires, form } = facts
  const title = inviter === undefined ? `You are invited to chat on ${domain}` : `${inviter} invites you to chat`
  return layout(
    title,
    html`<h1>${title}</h1>
${account !== undefined && html`<p>The account <strong>${account}</strong> is kept for you.</p>`}
<p>${domain} is a chat server. As with e-mail, you choose the program to chat with: there are many that speak its language, XMPP.</p>
${inviter !== undefined && html`<p class="soft">You do not know ${inviter}? Then there is nothing that you need to do.</p>`}
${form !== undefined && registration(facts, form)}
<section>
<h2>${form === undefined ? 'Open the invitation' : 'Or open the invitation in a program'}</h2>
<p>If you have a chat program for XMPP already, it can do the rest:</p>
<p><a class="button" href="${uri}">Open in a chat program</a></p>
<p class="hint">Nothing happens? Then no program has taken it. Get one of those below and come back to this page, or copy this into
it: <code>${uri}</code></p>
</section>
${programs(form === undefined ? { ...facts, chat: undefined } : facts)}
<p class="soft">This invitation can be used until <time datetime="${expires}">${readable(expires)}</time>.</p>`,
  )
}

/** The page that tells somebody that the account is there. */
export function welcomePage(
  facts: PageFacts & { readonly account: string; readonly inviter: string | undefined },
): string {
  const { domain, account, chat, inviter } = facts
  return layout(
    'Your account is ready',
    html`<h1>Your account is ready</h1>
<section>
<dl>
<dt>Your address</dt><dd><strong>${account}</strong></dd>
<dt>Your password</dt><dd>the one you have just chosen</dd>
${inviter !== undefined && html`<dt>Your first contact</dt><dd>${inviter}</dd>`}
</dl>
<p class="hint">Note them well. This page cannot be shown again.</p>
</section>
${
  chat !== undefined &&
  html`<section>
<h2>Chat in this browser</h2>
<p>Log in with the name and the password that you have chosen.</p>
<p><a class="button" href="${chat}">Chat on ${domain}</a></p>
</section>`
}
${programs({ ...facts, chat: undefined })}`,
  )
}

/** A page that says what is wrong, and what can be done. */
export function noticePage(title: string, ...sentences: readonly string[]): string {
  return layout(
    title,
    html`<h1>${title}</h1>
${sentences.map((sentence) => html`<p>${sentence}</p>`)}`,
  )
}

function registration({ domain, inviter }: InvitationFacts, form: FormFacts | { readonly refusal: string }): Html {
  if ('refusal' in form)
    return html`<section>
<h2>Make an account here</h2>
<p>${form.refusal}</p>
</section>`
  const { username, fixed, minPasswordLength, faults } = form
  const atLeast = minPasswordLength > 0 && `At least ${minPasswordLength} characters. `
  return html`<section>
<h2>Make an account on ${domain}</h2>
${inviter !== undefined && html`<p>${inviter} will be your first contact.</p>`}
${faults.form !== undefined && html`<p class="fault" role="alert">${faults.form}</p>`}
<form method="post" autocomplete="on">
<label for="username">Username</label>
<div class="name"><input id="username" name="username" required maxlength="500" value="${username}" ${fixed && html`readonly`}
autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" ${invalid('username', faults.username)}>
<span>@${domain}</span></div>
${fault('username', faults.username)}
<label for="password">Password</label>
<input id="password" name="password" type="password" required ${minPasswordLength > 0 && html`minlength="${minPasswordLength}"`}
autocomplete="new-password" ${invalid('password', faults.password, 'password-hint')}>
${fault('password', faults.password)}
<p class="hint" id="password-hint">${atLeast}Best is one that your browser or a password manager makes up.</p>
<label for="again">Password, once more</label>
<input id="again" name="again" type="password" required autocomplete="new-password" ${invalid('again', faults.again)}>
${fault('again', faults.again)}
<button>Make the account</button>
</form>
</section>`
}

/** What tells people who do not see the page which of its fields is wrong, and why. */
function invalid(field: string, text: string | undefined, hint?: string): Html {
  const ids = [...(text === undefined ? [] : [`${field}-fault`]), ...(hint === undefined ? [] : [hint])]
  return html`${ids.length > 0 && html`aria-describedby="${ids.join(' ')}"`} ${text !== undefined && html`aria-invalid="true"`}`
}

function fault(field: string, text: string | undefined): Html {
  return html`${text !== undefined && html`<p class="fault" id="${field}-fault">${text}</p>`}`
}

function programs({ domain, chat }: PageFacts): Html {
  return html`<section>
<h2>Programs to chat with</h2>
<p>All of them are free. Log in with your address and your password.</p>
<dl>
${chat !== undefined && html`<dt>In the browser</dt><dd><a href="${chat}">Chat on ${domain}</a>, nothing to install</dd>`}
${clients.map(
  ([system, all]) => html`<dt>${system}</dt>
<dd>${all.map(([name, url], i) => html`${i > 0 && ', '}<a href="${url}" rel="noreferrer">${name}</a>`)}</dd>
`,
)}</dl>
</section>`
}

/** `2026-12-02T09:30:00.000Z` as people write it. */
function readable(iso: string): string {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(new Date(iso))} (UTC)`
}

function layout(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${new Html(`<style>${styles}</style>`)}
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`.text
}

/** Text that is HTML already. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | false | readonly Html[]

/** Puts values into HTML, as text, in elements and in quoted attributes; `false` is nothing. */
function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.reduce((made, string, i) => made + render(values[i - 1]!) + string))
}

function render(value: Part): string {
  if (value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(render).join('')
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
