/** Where the scan stands: in a tag, after `=`, inside a value in `"` or in `'`, or with nothing to wait for. */
type State = 'double' | 'equals' | 'ready' | 'single' | 'tag'

/**
 * Finds out when a tag that came in pieces is worth reading again: when it is complete, or surely wrong.
 *
 * Looks at each character once, so that an attribute of a megabyte in small writes takes linear time.
 */
export class TagScan {
  #state: State = 'ready'

  /** Starts with a token's first piece. What is not a tag is short and is read again with every piece. */
  begin(token: string): void {
    const isTag = token.charCodeAt(0) === 0x3c && token.charCodeAt(1) !== 0x21 && token.charCodeAt(1) !== 0x3f
    this.#state = isTag && token.length > 1 ? 'tag' : 'ready'
    if (isTag) this.#look(token, 1)
  }

  /** Takes the next piece; true when it is time to read. */
  more(piece: string): boolean {
    this.#look(piece, 0)
    return this.#state === 'ready'
  }

  #look(text: string, from: number): void {
    let state = this.#state
    for (let at = from; at < text.length && state !== 'ready'; at++) {
      if (state === 'double' || state === 'single') {
        const quote = text.indexOf(state === 'double' ? '"' : "'", at)
        const end = quote === -1 ? text.length : quote
        const lt = text.indexOf('<', at)
        state = lt !== -1 && lt < end ? 'ready' : quote === -1 ? state : 'tag'
        at = end
      } else state = after(state, text.charCodeAt(at))
    }
    this.#state = state
  }
}

function after(state: State, code: number): State {
  if (state === 'equals') {
    if (code === 0x22) return 'double'
    if (code === 0x27) return 'single'
    return code === 0x20 || (code >= 0x09 && code <= 0x0d) ? 'equals' : 'ready'
  }
  if (code === 0x3d) return 'equals'
  // `>` ends a tag; `<` and a quote after no `=` make it wrong.
  return code === 0x3e || code === 0x3c || code === 0x22 || code === 0x27 ? 'ready' : 'tag'
}
