import { NS } from './namespaces.ts'
import { notWellFormed } from './xml-error.ts'

/** The prefixes an element declares, and through it those of the elements around it. */
export class Scope {
  readonly outer: Scope | undefined
  readonly declared = new Map<string, string>()

  constructor(outer: Scope | undefined) {
    this.outer = outer
  }

  /** Binds a prefix; throws `not-well-formed` where Namespaces in XML 1.0 forbids it. */
  declare(prefix: string, namespace: string): void {
    if (this.declared.has(prefix)) throw notWellFormed('An attribute is there twice.')
    // Namespaces in XML 1.0 §3: the two reserved prefixes and their namespaces, and §2.2: no prefix can be undeclared.
    if (prefix === 'xmlns') throw notWellFormed('The prefix xmlns cannot be declared.')
    if ((prefix === 'xml') !== (namespace === NS.xml)) throw notWellFormed('The prefix xml belongs to one namespace.')
    if (namespace === NS.xmlns) throw notWellFormed('The namespace of xmlns cannot be declared.')
    if (namespace === '') throw notWellFormed('A prefix cannot be undeclared.')
    this.declared.set(prefix, namespace)
  }
}

/** The namespace a prefix stands for; throws `not-well-formed` when nobody declared it. */
export function resolve(scope: Scope | undefined, prefix: string): string {
  for (let at = scope; at !== undefined; at = at.outer) {
    const namespace = at.declared.get(prefix)
    if (namespace !== undefined) return namespace
  }
  // RFC 6120 §11.3, §4.9.3.13: what is not namespace-well-formed is not well-formed.
  throw notWellFormed('A prefix is not declared.')
}

/** Throws for what no default namespace can be (Namespaces in XML 1.0 §3). */
export function checkDefault(namespace: string): void {
  if (namespace === NS.xml || namespace === NS.xmlns) throw notWellFormed('A reserved namespace cannot be the default.')
}
