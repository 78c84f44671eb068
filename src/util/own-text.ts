/**
 * The same text in memory of its own, for what is kept: a string that was cut out of a larger one, as everything a parser
 * reads is, keeps all of that in memory.
 */
export function ownText(text: string): string {
  // To be cut, the longer text must be laid out anew.
  return ` ${text}`.slice(1)
}
