/** What other modules may ask about tokens; `client` is what stands for an installation (`clientKey`). */
export interface FastApi {
  /** The installations of an account that have tokens. */
  clients(local: string): Promise<readonly string[]>
  /** Takes back the tokens of an installation; whether there were any. */
  revoke(local: string, client: string): Promise<boolean>
}
