import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { phases } from '../../src/pipeline/flow.ts'
import { pipelineText, root } from '../golden/files.ts'

test('the compiled order of the default modules is the one in test/golden/pipeline.txt: npm run generate writes it', async () => {
  const golden = await readFile(`${root}test/golden/pipeline.txt`, 'utf8')
  assert.equal(await pipelineText(), golden)
  // It has something to say: a flow with modules in a phase, and the IQ table.
  assert.match(golden, new RegExp(`^ {2}(${phases.join('|')}) +\\w`, 'm'))
  assert.match(golden, /^ {2}host get ping urn:xmpp:ping: ping$/m)
})
