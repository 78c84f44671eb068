import type { AnyModule, Module } from './define.ts'

/** One dependency of a module: on whom, and whether it can do without. */
export interface Dependency {
  readonly key: string
  readonly name: string
  readonly soft: boolean
}

export function dependenciesOf(module: AnyModule): Dependency[] {
  return Object.entries((module.depends ?? {}) as Record<string, Module | { soft: Module }>).map(([key, target]) =>
    'soft' in target ? { key, name: target.soft.name, soft: true } : { key, name: target.name, soft: false },
  )
}

/**
 * Modules with their dependencies before them, by name where nothing else decides.
 *
 * @throws Error for a circle, naming its members.
 */
export function orderModules(modules: readonly AnyModule[]): AnyModule[] {
  const byName = new Map([...modules].sort((a, b) => (a.name < b.name ? -1 : 1)).map((module) => [module.name, module]))
  const ordered = new Set<AnyModule>()
  const visit = (module: AnyModule, path: readonly string[]): void => {
    if (ordered.has(module)) return
    if (path.includes(module.name)) {
      const circle = [...path.slice(path.indexOf(module.name)), module.name]
      throw new Error(`modules depend on each other in a circle: ${circle.join(' → ')}`)
    }
    for (const { name } of dependenciesOf(module)) {
      const target = byName.get(name)
      if (target !== undefined) visit(target, [...path, module.name])
    }
    ordered.add(module)
  }
  for (const module of byName.values()) visit(module, [])
  return [...ordered]
}
