import { type ReadonlyElement, StanzaError } from '#api'

/**
 * The priority of a presence broadcast, 0 when it says none (RFC 6121 §4.7.2.3).
 *
 * @throws StanzaError `bad-request` for anything but one whole number from -128 to 127.
 */
export function readPriority(presence: Pick<ReadonlyElement, 'getChildren'>): number {
  const [priority, second] = presence.getChildren('priority').filter((child) => child.attrs['xmlns'] === undefined)
  if (priority === undefined) return 0
  const text = priority.getText().trim()
  const value = Number(text)
  if (second !== undefined || !/^[+-]?\d{1,3}$/.test(text) || value < -128 || value > 127)
    throw new StanzaError('bad-request', 'A priority is one whole number from -128 to 127.')
  return value
}
