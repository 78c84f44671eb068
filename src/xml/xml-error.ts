/** The stream error conditions a parser can come to (RFC 6120 §4.9.3). */
export type XmlCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'invalid-namespace'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'

/** Why input was refused: the stream error it ends a stream with, and a sentence for the peer in `message`. */
export class XmlError extends Error {
  readonly condition: XmlCondition

  constructor(condition: XmlCondition, text: string) {
    super(text)
    this.name = 'XmlError'
    this.condition = condition
  }
}

/** XML 1.0 or Namespaces in XML 1.0 is violated (RFC 6120 §4.9.3.13). */
export function notWellFormed(text: string): XmlError {
  return new XmlError('not-well-formed', text)
}

/** A limit is reached (RFC 6120 §4.9.3.14). */
export function tooMany(what: 'attributes' | 'bytes' | 'elements' | 'levels'): XmlError {
  return new XmlError('policy-violation', `There are too many ${what} in one element of the stream.`)
}
