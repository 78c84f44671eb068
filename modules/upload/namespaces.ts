/** XEP-0363. */
export const NS_UPLOAD = 'urn:xmpp:http:upload:0'
/** What a file is for (XEP-0363 §4). */
export const NS_PURPOSE = 'urn:xmpp:http:upload:purpose:0'
