// Installs the packages when they are missing or older than the lock file; else says and does nothing. Runs before
// `npm start` and `npm test`, on whatever Node there is (18 or newer).
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** When a file was last written; undefined when there is none. */
function writtenMs(name) {
  return statSync(root + name, { throwIfNoEntry: false })?.mtimeMs
}

const lock = writtenMs('package-lock.json')
// npm writes this file when it is done, so an installation that was cut short counts as none.
const installed = writtenMs('node_modules/.package-lock.json')

// A packed copy has no lock file, and its packages came with it.
if (lock !== undefined && (installed === undefined || installed < lock)) {
  console.log('Installing the packages, which takes about half a minute.')
  // Under npm, npm_execpath is the script of the npm that runs. The development packages bring Node itself.
  const { npm_execpath: npm } = process.env
  const args = ['ci', '--include=dev', '--loglevel=error']
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { status } = spawnSync(command, [...first, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    console.error('The packages could not be installed: see above. Then run "npm ci" here.')
    process.exit(status ?? 1)
  }
}
