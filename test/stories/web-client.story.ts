import assert from 'node:assert/strict'
import { type Story, story } from '../support/story.ts'

/** What the page loads, by what it says. */
async function loaded(s: Story): Promise<string[]> {
  const page = await (await s.fetch('/chat')).text()
  return [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path!)
}

story('The web client is a page that loads from its own server only', async (s) => {
  const page = await s.fetch('/chat')
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  const policy = page.headers.get('content-security-policy')!
  for (const rule of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    assert.ok(policy.split('; ').includes(rule), rule)
  // No script but those in files of ours.
  assert.ok(policy.includes("script-src 'self' 'wasm-unsafe-eval';"))
  // Files that people send, and the connection, where the world finds this host.
  assert.ok(policy.includes("connect-src 'self' https://localhost:5443 wss://localhost:5443;"))
  assert.deepEqual(
    [
      page.headers.get('x-content-type-options'),
      page.headers.get('referrer-policy'),
      page.headers.get('cache-control'),
    ],
    ['nosniff', 'no-referrer', 'no-cache'],
  )
  const html = await page.text()
  assert.doesNotMatch(html, /<script(?![^>]* src=)|\son\w+=|style=/i)
  for (const path of await loaded(s)) {
    const part = await s.fetch(path)
    assert.equal(part.status, 200, path)
    assert.equal(part.headers.get('x-content-type-options'), 'nosniff', path)
    await part.arrayBuffer()
  }
  for (const path of ['/', '/chat/']) {
    const there = await s.fetch(path, { redirect: 'manual' })
    assert.deepEqual([there.status, there.headers.get('location')], [302, '/chat'], path)
  }
})

story('What the page loads is sent small, and kept by browsers until there is another version', async (s) => {
  const path = (await loaded(s)).find((one) => one.endsWith('.js'))!
  const length = async (encoding: string) => {
    const answer = await s.fetch(path, { headers: { 'accept-encoding': encoding } })
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    assert.equal(answer.headers.get('vary'), 'accept-encoding')
    return [answer.headers.get('content-encoding'), Number(answer.headers.get('content-length'))] as const
  }
  const [whole, zipped, best] = [await length('identity'), await length('gzip, br;q=0'), await length('gzip, br')]
  assert.deepEqual([whole[0], zipped[0], best[0]], [null, 'gzip', 'br'])
  assert.ok(best[1] < zipped[1] && zipped[1] * 3 < whole[1])
  for (const one of [path, '/chat', '/chat/config.js']) {
    const tag = (await s.fetch(one)).headers.get('etag')!
    assert.equal((await s.fetch(one, { headers: { 'if-none-match': `"x", W/${tag}` } })).status, 304, one)
    assert.equal((await s.fetch(one, { headers: { 'if-none-match': '"x"' } })).status, 200, one)
  }
})

story('Nothing but the files of Converse.js that browsers use can be had', async (s) => {
  const base = (await loaded(s)).find((one) => one.endsWith('.js'))!.replace(/\/[^/]+$/, '')
  const up = ['..', '%2e%2e', '.%2e', '%252e%252e', '%u002e%u002e', '..%2f', '..%5c', '..;', '%00', '%c0%ae%c0%ae', '']
  const paths = [
    ...[
      'converse.js',
      'converse.min.js.map',
      'website.css',
      'manifest.json',
      'sounds/README',
      'chunkjs',
      'images/',
      '',
    ],
    ...up.flatMap((way) => [`${way}/package.json`, `images/${way}/converse.js`, `${way}/${way}/fastify/package.json`]),
    ...[
      '/etc/passwd',
      '%2fetc%2fpasswd',
      'converse.min.js%00',
      'converse.min.js;x',
      'converse.min.js/',
      'a'.repeat(4000),
    ],
    '__proto__',
    'constructor',
  ]
  for (const path of paths) {
    const answer = await s.fetch(`${base}/${path}`)
    const text = await answer.text()
    assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`)
    assert.match(text, /^\{"title":/, path)
  }
  for (const path of ['/chat/13.0.0/converse.min.js', '/chat/nothing', '/chat/guest', '//chat', '/chat;x', '/Chat'])
    assert.equal((await s.fetch(path)).status, 404, path)
})

story(
  'The page is as the admin wants it, and no text of theirs is code',
  async (s) => {
    const ask = async (path: string) => await (await s.fetch(path)).text()
    const html = await ask('/chat')
    assert.match(html, /<title>&lt;\/title&gt;&lt;script&gt;&quot;R&amp;J&#39;s&lt;\/script&gt;<\/title>/)
    const script = await ask('/chat/config.js')
    assert.match(script, /"title":"<\/title><script>\\"R&J's<\/script>"/)
    assert.match(script, / {2}theme: "nordic",\n/)
    assert.match(script, / {2}allow_registration: true,\n/)
    assert.match(script, / {2}locked_domain: "localhost",\n/)
    // What would have people's browsers ask others.
    for (const name of ['xmpp_providers_url', 'autocomplete_providers_url', 'providers_link', 'emoji_image_path'])
      assert.ok(script.includes(`  ${name}: "",\n`), name)
    assert.match(script, / {2}discover_connection_methods: false,\n/)
    assert.match(script, /"guest":"\/chat\/guest"/)
    assert.equal((await s.fetch('/chat/guest')).status, 200)
  },
  {
    modules: {
      'web-client': { title: '</title><script>"R&J\'s</script>', theme: 'nordic', registration: true },
      anonymous: { enabled: true },
    },
  },
)

story(
  'Without a way for browsers to connect there is no web client',
  async (s) => {
    assert.equal((await s.fetch('/chat')).status, 404)
    assert.equal((await s.fetch('/', { redirect: 'manual' })).status, 404)
  },
  { modules: { bosh: { enabled: false }, websocket: { enabled: false } } },
)

for (const [off, said, unsaid] of [
  ['bosh', 'websocket_url: here("/xmpp-websocket", \'ws\')', 'bosh_service_url'],
  ['websocket', 'bosh_service_url: here("/http-bind")', 'websocket_url'],
  ['ping', 'websocket_url: here("/xmpp-websocket", \'ws\')', 'bosh_service_url'],
] as const)
  story(
    `The page connects by the best way there is: without ${off}`,
    async (s) => {
      const script = await (await s.fetch('/chat/config.js')).text()
      assert.ok(script.includes(`  ${said},\n`))
      assert.ok(!script.includes(unsaid))
    },
    { modules: { [off]: { enabled: false } } },
  )
