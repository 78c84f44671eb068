import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadCatalogue } from '../../../src/module/catalogue.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'stonechat-catalogue-'))
})
after(() => rm(root, { recursive: true }))

let folders = 0
/** A folder of modules with these files. */
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(root, `${folders++}`)
  await mkdir(path)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return path
}

const source = (name: string, depends = '') =>
  `export default { name: '${name}', summary: '', implements: [], depends: { ${depends} }, setup() {} }`

test('modules are found by folder, compiled or not, dependencies first', async () => {
  const path = await folder({
    'a/index.ts': `import b from '../b/index.js'\n${source('a', 'b')}`,
    'b/index.js': source('b'),
    'c/index.ts': source('c'),
    'leftover/config.yaml': 'enabled: true',
    'README.md': 'not a module',
  })
  assert.deepEqual(
    (await loadCatalogue(path)).map(({ name }) => name),
    ['b', 'a', 'c'],
  )
})

test('a module that is not called like its folder, or exports none, is refused by its path', async () => {
  for (const text of [source('other'), 'export const name = 1'])
    await assert.rejects(
      folder({ 'a/index.ts': text }).then(loadCatalogue),
      /modules\/a\/index\.ts must export by default a module called a/,
    )
})
