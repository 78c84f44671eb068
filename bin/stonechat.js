#!/usr/bin/env node
// Starts Stonechat on a Node that can run it: this one, or the one that came along with the packages.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

if (major > 22 || (major === 22 && minor >= 18)) {
  await import(main)
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(node)) {
    console.error(`stonechat: Node ${process.versions.node} is too old; it needs 22.18 or newer. Run npm install here, which brings one.`)
    process.exit(1)
  }
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(signal === null ? status : 1)
}
