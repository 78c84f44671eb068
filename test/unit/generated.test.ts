import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { generatedFiles, root } from '../golden/files.ts'

test('files generated from the declarations are current: npm run generate writes them', async () => {
  for (const [path, text] of await generatedFiles())
    assert.equal(await readFile(join(root, path), 'utf8').catch(() => '(missing)'), text, path)
})
