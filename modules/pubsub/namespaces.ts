/** XEP-0060. */
export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub'
export const NS_OWNER = 'http://jabber.org/protocol/pubsub#owner'
export const NS_EVENT = 'http://jabber.org/protocol/pubsub#event'
export const NS_ERRORS = 'http://jabber.org/protocol/pubsub#errors'
/** `FORM_TYPE`s. */
export const FORM_CONFIG = 'http://jabber.org/protocol/pubsub#node_config'
export const FORM_PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'
export const FORM_SUBSCRIBE_OPTIONS = 'http://jabber.org/protocol/pubsub#subscribe_options'
export const FORM_AUTHORIZATION = 'http://jabber.org/protocol/pubsub#subscribe_authorization'
export const FORM_META_DATA = 'http://jabber.org/protocol/pubsub#meta-data'
