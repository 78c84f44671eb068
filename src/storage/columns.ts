import type { Knex } from 'knex'

/**
 * The column types of the schema, one function each, the same on both databases.
 *
 * What is looked up is compared byte by byte: `böb` is not `bob`, `urn:Node` is not `urn:node`, `a` is not `a `. On MySQL
 * no collation of text promises this (`utf8mb4_bin` still ignores trailing spaces, and its sisters that do not are named
 * differently by MySQL and MariaDB), so keys are `varbinary` there, read and written as UTF-8 strings.
 *
 * Lengths are octets of UTF-8. MySQL allows 3072 octets to all columns of an index together, hence the lengths below:
 * an account and a contact fit into one index with 258 octets to spare, for a time (8) and an id. On MySQL a longer value
 * is an error (strict mode); SQLite stores it, so refuse early what comes from outside: {@link MAX_ACCOUNT_BYTES}.
 */
type Table = Knex.CreateTableBuilder
type Column = Knex.ColumnBuilder

/** Longest domain this server may serve, in octets: what DNS allows. */
export const MAX_HOST_BYTES = 255
/** Longest local part of an account, in octets; RFC 7622 §3.3 allows 1023, of which an index would hold too few. */
export const MAX_LOCAL_BYTES = 511
/** Longest bare JID of an account of this server, in octets: local part, `@`, domain. */
export const MAX_ACCOUNT_BYTES: number = MAX_LOCAL_BYTES + 1 + MAX_HOST_BYTES
/** Longest bare JID of anybody, in octets (RFC 7622 §3.1). */
export const MAX_BARE_JID_BYTES = 2047
/** Longest full JID of anybody, in octets (RFC 7622 §3.1). */
export const MAX_FULL_JID_BYTES = 3071

/** A domain of this server, prepared. */
export function hostColumn(table: Table, name: string): Column {
  return keyColumn(table, name, MAX_HOST_BYTES)
}

/** The local part of an account of this server, prepared. */
export function localColumn(table: Table, name: string): Column {
  return keyColumn(table, name, MAX_LOCAL_BYTES)
}

/** The prepared bare JID of an account of this server: the owner of a row. */
export function accountColumn(table: Table, name: string): Column {
  return keyColumn(table, name, MAX_ACCOUNT_BYTES)
}

/** The prepared bare JID of anybody, on this server or another. Two of these do not fit into one MySQL index. */
export function jidColumn(table: Table, name: string): Column {
  return keyColumn(table, name, MAX_BARE_JID_BYTES)
}

/** The prepared full JID of anybody. Fits into an index alone. */
export function fullJidColumn(table: Table, name: string): Column {
  return keyColumn(table, name, MAX_FULL_JID_BYTES)
}

/** A short text that is looked up or sorted by its octets: a name, a namespace, an id. `maxBytes` of UTF-8. */
export function keyColumn(table: Table, name: string, maxBytes = 255): Column {
  return table.specificType(name, isMysql(table) ? `varbinary(${maxBytes})` : 'text')
}

/** Text that is stored and not searched, up to 16 MiB of UTF-8. Cannot be in an index. */
export function textColumn(table: Table, name: string): Column {
  return table.specificType(name, isMysql(table) ? 'mediumtext' : 'text')
}

/** Octets, up to 16 MiB; read as a Buffer. Cannot be in an index. */
export function bytesColumn(table: Table, name: string): Column {
  return table.specificType(name, isMysql(table) ? 'mediumblob' : 'blob')
}

/** Milliseconds since the epoch; the name ends in `_ms`. */
export function timeColumn(table: Table, name: string): Column {
  return integerColumn(table, name)
}

/** A whole number that JavaScript holds exactly (±2⁵³). */
export function integerColumn(table: Table, name: string): Column {
  return table.specificType(name, isMysql(table) ? 'bigint' : 'integer')
}

/** Yes or no; read as 1 or 0 on both databases, so write `row.flag === 1`. */
export function flagColumn(table: Table, name: string): Column {
  return table.specificType(name, isMysql(table) ? 'tinyint' : 'integer')
}

/** A number the database counts up, as primary key. Never reused. */
export function serialColumn(table: Table, name: string): Column {
  return table.bigIncrements(name)
}

/** True for a builder of a MySQL table. */
export function isMysql(table: Table): boolean {
  return (table as unknown as { client: Knex.Client }).client.config.client === 'mysql2'
}
