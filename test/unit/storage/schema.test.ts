import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { dialects } from '../../support/databases.ts'
import { schemaFile, schemaText } from '../../support/schema-dump.ts'

for (const dialect of dialects) {
  test(`sql/schema.${dialect}.sql is what the migrations come to; if not, run \`npm run schema\``, async () => {
    assert.equal(await readFile(schemaFile(dialect), 'utf8').catch(() => ''), await schemaText(dialect))
  })
}
