/** XEP-0045 §16.1. */
export const NS_MUC = 'http://jabber.org/protocol/muc'
export const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
export const NS_MUC_ADMIN = 'http://jabber.org/protocol/muc#admin'
export const NS_MUC_OWNER = 'http://jabber.org/protocol/muc#owner'
/** The FORM_TYPEs of rooms. */
export const ROOM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig'
export const ROOM_INFO = 'http://jabber.org/protocol/muc#roominfo'
export const NS_OCCUPANT_ID = 'urn:xmpp:occupant-id:0'
export const NS_SID = 'urn:xmpp:sid:0'
export const NS_FORMS = 'jabber:x:data'
export const NS_RETRACT = 'urn:xmpp:message-retract:1'
export const NS_RSM = 'http://jabber.org/protocol/rsm'
/** XEP-0463 §3. */
export const NS_MAV = 'urn:xmpp:muc:affiliations:1'
