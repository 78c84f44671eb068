import type { ItemRecord, NodeRecord } from '../../../../modules/pubsub/records.ts'
import type { NewNode, PubsubStore } from '../../../../modules/pubsub/store.ts'

export const SERVICE = 'pubsub.shakespeare.example'
export const HAMLET = 'hamlet@denmark.example'
export const OPHELIA = 'ophelia@denmark.example'
export const CREATED_MS = 1_700_000_000_000

/** Texts that a database may mistake for others or for SQL, each different from all others. */
export const HOSTILE: readonly string[] = [
  ...[
    "'",
    "''",
    '\\',
    "\\'",
    '"',
    '`',
    '%',
    '_',
    ';drop table pubsub_nodes',
    '?',
    '??',
    ':a',
    '$1',
    '--',
    '/*',
    '0',
    '00',
  ],
  ...[
    'a',
    'A',
    'a ',
    ' a',
    'ä',
    'a\u0308',
    'ä ',
    'ß',
    'ss',
    '\t',
    '\n',
    '\u{1f339}',
    '\uffff',
    '𐀀',
    'null',
    '[]',
    '1e3',
  ],
]

/** Creates a node of Hamlet's in the database. */
export function createNode(store: PubsubStore, node: string, part: Partial<NewNode> = {}): Promise<NodeRecord> {
  const { service = SERVICE, config = {}, creator = HAMLET, createdMs = CREATED_MS, owners = [HAMLET] } = part
  return store.create({ service, node, config, creator, createdMs, owners })
}

/** An item published at second `seq`. */
export function item(id: string, seq: number, payload = `<entry n="${seq}"/>`, publisher = HAMLET): ItemRecord {
  return { id, payload, publisher, ms: CREATED_MS + 1000 * seq, seq }
}

/** Items of these ids, published one after the other. */
export const itemsOf = (...ids: readonly string[]): ItemRecord[] => ids.map((id, index) => item(id, index + 1))
