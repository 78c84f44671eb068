const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** A header of version 2 of the PROXY protocol: version and command, family and protocol, and what follows. */
export function v2Header(command: number, family: number, rest: ArrayLike<number>): Buffer {
  const block = Buffer.from(rest)
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, block.length >> 8, block.length & 0xff]), block])
}

/** What a proxy sends for a client with an IPv4 address, in version 2. */
export function v2Of(address: string): Buffer {
  return v2Header(0x21, 0x11, [...address.split('.').map(Number), 127, 0, 0, 1, 0xdc, 4, 0x14, 0x66])
}

/** The same in version 1. */
export function v1Of(address: string): Buffer {
  return Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 56324 5222\r\n`)
}
