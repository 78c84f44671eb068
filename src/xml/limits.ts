/**
 * What one top-level element (a stanza, or the stream header) may cost; 0 means no limit.
 *
 * Held while reading: the first byte past a limit ends the stream with `policy-violation` (RFC 6120 §4.9.3.14).
 */
export interface ParserLimits {
  /**
   * Bytes on the wire from `<` to the last `>`; white space between stanzas is free. What a stanza grows by because its
   * elements repeat namespaces declared around them may be as much again.
   */
  readonly bytes: number
  /** Levels of elements; the stanza itself is the first. */
  readonly depth: number
  /** Elements, the stanza itself among them. */
  readonly elements: number
  /** Attributes of one element, namespace declarations among them. */
  readonly attributes: number
}

/** The limits of a peer nobody knows yet. */
export const preAuthLimits: ParserLimits = { bytes: 8 * 1024, depth: 32, elements: 32, attributes: 64 }

/** The limits of a peer that has logged in. */
export const liveLimits: ParserLimits = { bytes: 256 * 1024, depth: 128, elements: 10_000, attributes: 256 }
