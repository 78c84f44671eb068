import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { doapXml } from '../../src/config/doap.ts'
import {
  componentsYaml,
  modulesMarkdown,
  moduleYaml,
  optionsMarkdown,
  serverYaml,
  xepsMarkdown,
} from '../../src/config/reference.ts'
import { loadCatalogue } from '../../src/module/catalogue.ts'
import { xep } from '../../src/module/define.ts'
import { definedHooks } from '../../src/pipeline/hook.ts'
import { describePipeline } from '../../src/pipeline-report.ts'
import { loadSetup } from '../../src/setup.ts'

/** The repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** What is no module's, because every stream needs it. */
export const core = {
  name: '(the server itself)',
  summary: '',
  implements: [
    xep(4, '2.13.2', 'Forms of the modules that have them.'),
    xep(68, '1.3.0'),
    xep(82, '1.1.1'),
    xep(114, '1.6', 'The accepting side, without TLS.'),
    xep(368, '1.1.0', 'Direct TLS with ALPN; the SRV records are the admin’s.'),
    xep(386, '1.1.0'),
    xep(388, '1.0.4', 'For clients, after TLS; early data is never accepted.'),
    xep(440, '1.0.0'),
    xep(474, '0.5.0'),
    xep(480, '0.2.0', 'UPGR-SCRAM-SHA-256 and UPGR-SCRAM-SHA-512.'),
  ],
}

/** Every file that is read off the declarations, by path from the repository, with the text it must have. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const modules = [...(await loadCatalogue(`${root}/modules`))].sort((a, b) => (a.name < b.name ? -1 : 1))
  const files = new Map<string, string>()
  for (const module of modules) files.set(`modules/${module.name}/config.yaml`, moduleYaml(module))
  files.set('docs/generated/server.yaml', serverYaml())
  files.set('docs/generated/components.yaml', componentsYaml())
  files.set('docs/generated/options.md', optionsMarkdown(modules))
  files.set('docs/generated/modules.md', modulesMarkdown(modules))
  files.set('docs/generated/xeps.md', xepsMarkdown([...modules, core]))
  files.set('docs/generated/stonechat.doap', doapXml([...modules, core].flatMap((module) => module.implements)))
  files.set('docs/generated/hooks.md', hooksMarkdown())
  files.set('test/golden/pipeline.txt', await pipelineText())
  return files
}

/** The compiled order of the modules that are on by default: what `stonechat pipeline` prints without a configuration. */
export async function pipelineText(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-golden-'))
  try {
    await writeFile(join(folder, 'server.yaml'), 'hosts: [localhost]\n')
    const lines = await describePipeline(await loadSetup(folder))
    return `${lines.join('\n')}\n`
  } finally {
    await rm(folder, { recursive: true })
  }
}

function hooksMarkdown(): string {
  // Unit tests in the same process define hooks of their own, whose names begin with test/.
  const rows = [...definedHooks()]
    .filter(([name]) => !name.startsWith('test/'))
    .sort()
    .map(([name, doc]) => `| \`${name}\` | ${doc} |`)
  return [
    '# Hooks',
    '',
    'What modules can listen to besides the stanza flows. Generated from the declarations.',
    '',
    '| hook | what it is |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n')
}
