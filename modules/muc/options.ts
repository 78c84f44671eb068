import { option } from '#api'

/** The options of the module. */
export const options = {
  services: option
    .list(option.string().min(1).max(255))
    .min(1)
    .distinct()
    .default(['conference'])
    .describe('The domains of rooms; a name without a dot stands for that name before the domain of the host.'),
  name: option.string().max(256).default('Rooms').describe('What a service calls itself in service discovery.'),
  creation: option
    .oneOf('local', 'admins', 'anyone')
    .default('local')
    .describe('Who may create rooms: accounts of this server, its admins, or anyone.'),
  locking: option
    .bool()
    .default(true)
    .describe('Whether others find a new room only once its creator has configured it.'),
  defaults: option
    .group({
      persistent: option.bool().default(false).describe('Whether rooms stay when nobody is in them.'),
      public: option.bool().default(true).describe('Whether rooms are listed.'),
      membersOnly: option.bool().default(false).describe('Whether only members may enter.'),
      moderated: option.bool().default(false).describe('Whether only those with voice may speak.'),
      whois: option
        .oneOf('moderators', 'anyone')
        .default('moderators')
        .describe('Who may see the real addresses of occupants.'),
    })
    .describe('What rooms are like whose owners have not said otherwise.'),
  history: option
    .group({
      usual: option.int().min(0).default(20).describe('How many messages somebody gets who does not say.'),
      max: option.int().min(0).max(500).default(100).describe('How many at most.'),
    })
    .describe('The last messages of a room, which whoever enters gets.'),
}
