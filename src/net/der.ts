/** One element of DER: its tag octet and its content, which shares memory with what was read. */
export interface DerElement {
  readonly tag: number
  readonly content: Buffer
}

/**
 * The elements that follow one another in a buffer (X.690 §8.1, §10.1). Tags above 30 are not needed here.
 *
 * @throws RangeError when the buffer is not whole elements of DER.
 */
export function readDer(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at)
    const short = bytes.readUInt8(at + 1)
    const octets = short < 0x80 ? 0 : short & 0x7f
    const length = octets === 0 ? short : bytes.readUIntBE(at + 2, octets)
    const start = at + 2 + octets
    if (start + length > bytes.length) throw new RangeError('An element of DER is cut off.')
    elements.push({ tag, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return elements
}

/** The dotted form of an object identifier's content (X.690 §8.19). */
export function readOid(content: Buffer): string {
  const arcs: number[] = []
  let arc = 0
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f)
    if (octet >= 0x80) continue
    arcs.push(arc)
    arc = 0
  }
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...rest].join('.')
}
