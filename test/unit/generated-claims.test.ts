import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadCatalogue } from '../../src/module/catalogue.ts'
import { core, root } from '../golden/files.ts'

/**
 * A claim is proved where the server is seen to keep it from outside: by a story, a golden text or a stock client. The tag
 * `XEP-NNNN` in a title or comment there says which is proved; tests of single files do not count.
 */
const provingGrounds = ['test/stories', 'test/golden', 'test/interop']

test('each XEP that is claimed is proved by a story, a golden text or a stock client, which its tag says', async () => {
  const proved = new Set<string>()
  for (const ground of provingGrounds)
    for (const entry of await readdir(join(root, ground), { recursive: true, withFileTypes: true }))
      if (entry.isFile() && /\.(ts|py|xml|txt)$/.test(entry.name) && entry.name !== 'files.ts')
        for (const [tag] of (await readFile(join(entry.parentPath, entry.name), 'utf8')).matchAll(/XEP-\d{4}/g))
          proved.add(tag)
  const unproved = [...(await loadCatalogue(`${root}/modules`)), core].flatMap(({ name, implements: claims }) =>
    claims
      .map(({ xep }) => `XEP-${String(xep).padStart(4, '0')}`)
      .filter((tag) => !proved.has(tag))
      .map((tag) => `${tag} (${name})`),
  )
  assert.deepEqual(unproved, [])
})

test('a claim says a version, and what is left out where it is partial', async () => {
  for (const { name, implements: claims } of [...(await loadCatalogue(`${root}/modules`)), core])
    for (const { xep, version, partial, note } of claims) {
      assert.match(version, /^\d+\.\d+(\.\d+)?$/, `${xep} of ${name}`)
      if (partial === true) assert.ok(note, `${xep} of ${name} leaves something out: say what`)
    }
})
