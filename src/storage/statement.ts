/** SQL with a question mark for each of its bindings. */
export interface Statement {
  readonly sql: string
  readonly bindings: readonly (string | number | null)[]
}
