import { createHash } from 'node:crypto'
import { StanzaError } from '#api'

/** A picture as its own octets say. */
export interface Picture {
  /** The SHA-1 of the octets, in lower-case hex: the id of the picture (XEP-0084 §3.1). */
  readonly id: string
  readonly bytes: number
  /** The media type. */
  readonly type: string
  /** In pixels. */
  readonly width: number
  readonly height: number
}

/** What bounds pictures; 0 is no bound. */
export interface PictureLimits {
  /** Bytes. */
  readonly maxSize: number
  /** Pixels of a side. */
  readonly maxSide: number
}

interface Header {
  readonly type: string
  readonly width: number
  readonly height: number
}

/**
 * Reads a picture in base64, white space in which means nothing (XEP-0153 §4.6).
 *
 * @throws StanzaError `not-acceptable` that says what is wrong with it.
 */
export function readPicture(base64: string, { maxSize, maxSide }: PictureLimits): Picture {
  const text = base64.replace(/[ \t\r\n]+/g, '')
  if (text === '') throw new StanzaError('not-acceptable', 'There is no picture.')
  if (maxSize > 0 && (text.length / 4) * 3 - 2 > maxSize)
    throw new StanzaError('not-acceptable', `A picture has at most ${maxSize} bytes.`)
  const octets = Buffer.from(text, 'base64')
  if (octets.toString('base64') !== text) throw new StanzaError('not-acceptable', 'The picture is not in base64.')
  if (maxSize > 0 && octets.length > maxSize)
    throw new StanzaError('not-acceptable', `A picture has at most ${maxSize} bytes.`)
  const header = readHeader(octets)
  if (header === undefined)
    throw new StanzaError('not-acceptable', 'The picture is none of PNG, JPEG, GIF and WebP, by what is in it.')
  if (maxSide > 0 && Math.max(header.width, header.height) > maxSide)
    throw new StanzaError('not-acceptable', `A side of a picture has at most ${maxSide} pixels.`)
  return { id: createHash('sha1').update(octets).digest('hex'), bytes: octets.length, ...header }
}

/** What a picture is by its first octets; `undefined` for what is none that everybody can show. */
export function readHeader(octets: Buffer): Header | undefined {
  const found = readPng(octets) ?? readGif(octets) ?? readJpeg(octets) ?? readWebp(octets)
  return found !== undefined && found.width > 0 && found.height > 0 ? found : undefined
}

function readPng(octets: Buffer): Header | undefined {
  if (octets.length < 24 || octets.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') return undefined
  if (octets.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { type: 'image/png', width: octets.readUInt32BE(16), height: octets.readUInt32BE(20) }
}

function readGif(octets: Buffer): Header | undefined {
  if (octets.length < 10 || !/^GIF8[79]a$/.test(octets.toString('latin1', 0, 6))) return undefined
  return { type: 'image/gif', width: octets.readUInt16LE(6), height: octets.readUInt16LE(8) }
}

function readJpeg(octets: Buffer): Header | undefined {
  if (octets.length < 4 || octets.readUInt16BE(0) !== 0xffd8) return undefined
  for (let at = 2; at + 9 <= octets.length; ) {
    if (octets[at] !== 0xff) return undefined
    const marker = octets[at + 1]!
    // A segment may have any number of octets FF before it, and some are a marker only.
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2
    // Start of frame: C4, C8 and CC in its range are something else.
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { type: 'image/jpeg', width: octets.readUInt16BE(at + 7), height: octets.readUInt16BE(at + 5) }
    // The picture begins, or ends, before its frame was described.
    else if (marker >= 0xd8 && marker <= 0xda) return undefined
    else at += 2 + octets.readUInt16BE(at + 2)
  }
  return undefined
}

function readWebp(octets: Buffer): Header | undefined {
  if (octets.length < 30 || octets.toString('latin1', 0, 4) !== 'RIFF') return undefined
  const type = 'image/webp'
  switch (octets.toString('latin1', 8, 16)) {
    case 'WEBPVP8 ':
      if (octets.readUIntBE(23, 3) !== 0x9d012a) return undefined
      return { type, width: octets.readUInt16LE(26) & 0x3fff, height: octets.readUInt16LE(28) & 0x3fff }
    case 'WEBPVP8L': {
      if (octets[20] !== 0x2f) return undefined
      const sides = octets.readUInt32LE(21)
      return { type, width: (sides & 0x3fff) + 1, height: ((sides >>> 14) & 0x3fff) + 1 }
    }
    case 'WEBPVP8X':
      return { type, width: octets.readUIntLE(24, 3) + 1, height: octets.readUIntLE(27, 3) + 1 }
    default:
      return undefined
  }
}
