import { readdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { AnyModule } from './define.ts'
import { orderModules } from './order.ts'

/** The modules found in a folder, dependencies first. Importing them has no effects. */
export async function loadCatalogue(folder: string): Promise<readonly AnyModule[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const modules = await Promise.all(names.map((name) => loadModule(folder, name)))
  return orderModules(modules.filter((module) => module !== undefined))
}

async function loadModule(folder: string, name: string): Promise<AnyModule | undefined> {
  const files = await readdir(`${folder}/${name}`)
  const index = files.find((file) => file === 'index.ts' || file === 'index.js')
  if (index === undefined) return undefined
  const { default: module } = (await import(pathToFileURL(`${folder}/${name}/${index}`).href)) as {
    default?: AnyModule
  }
  if (module?.name !== name) throw new Error(`modules/${name}/${index} must export by default a module called ${name}`)
  return module
}
