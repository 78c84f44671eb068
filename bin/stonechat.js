#!/usr/bin/env node
// Starts Stonechat on a Node that can run it, with the flags it wants: this Node, or the one that came along with the packages.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// On a large machine V8 would let young objects take 128 MiB before it looks whether any of them are still in use.
const flags = ['--max-semi-space-size=8']
const [major, minor] = process.versions.node.split('.').map(Number)
const isNewEnough = major > 22 || (major === 22 && minor >= 18)
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

if (isNewEnough) {
  if (!process.execArgv.includes(flags[0]) && process.execve !== undefined) {
    // The same process goes on, with the flags.
    process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)])
  }
  try {
    await import(main)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('package')) throw error
    console.error('stonechat: its packages are missing. Run npm ci in its folder (npm start does it by itself).')
    process.exit(1)
  }
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(node)) {
    console.error(
      `stonechat: Node ${process.versions.node} is too old; it needs 22.18 or newer. Run npm install here, which brings one.`,
    )
    process.exit(1)
  }
  const server = spawn(node, [...flags, main, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal))
  // A terminal sends Ctrl-C to both; the server answers it, and this waits for it.
  process.on('SIGINT', () => {})
  server.on('exit', (status) => process.exit(status ?? 1))
}
