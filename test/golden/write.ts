import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generatedFiles, root } from './files.ts'

// npm run generate: writes every file that is read off the declarations.
for (const [path, text] of await generatedFiles()) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}
