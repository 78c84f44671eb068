import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

/** The version of a Debian package whose program is there, or `undefined`. */
export function debianVersion(name: string, program: string): string | undefined {
  if (!existsSync(program)) return undefined
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '$' + '{Version}', name], { encoding: 'utf8' })
  return stdout || 'unknown'
}

/** The folder below /usr/lib, or of one architecture there, in which a name begins with `prefix`. */
export function libraryFolder(prefix: string): string | undefined {
  const subfolders = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : []
  return ['/usr/lib', '/usr/lib/erlang/lib', ...subfolders].find((root) => {
    try {
      return readdirSync(root).some((name) => name.startsWith(prefix))
    } catch {
      return false
    }
  })
}
