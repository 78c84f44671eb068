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
    .describe('Who may create rooms: accounts of this server but those of guests, its admins, or anyone.'),
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
      kept: option
        .int()
        .min(0)
        .max(500)
        .default(100)
        .describe('How many there are for those who ask for more; older ones are in the archive.'),
    })
    .describe('The last messages of a room, which whoever enters gets.'),
  limits: option
    .group({
      rooms: option
        .int()
        .min(1)
        .orOff()
        .default(100)
        .describe('Rooms of one account’s making; the others it only enters.'),
      entered: option.int().min(1).orOff().default(300).describe('Rooms that one client is in at once.'),
      entries: option.int().min(1).orOff().default(600).describe('Entries of one account a minute.'),
      occupants: option.int().min(2).orOff().default(5000).describe('Occupants of a room, whatever its owners say.'),
      messages: option
        .int()
        .min(1)
        .orOff()
        .default(25)
        .describe('Messages and requests of one client in a room a second.'),
      presences: option
        .int()
        .min(1)
        .orOff()
        .default(5)
        .describe('Changes of presence of one client in a room a second.'),
      nicks: option.int().min(1).orOff().default(10).describe('Changes of nick of one client in a room a minute.'),
      told: option
        .int()
        .min(1)
        .orOff()
        .default(600)
        .describe('People that one account’s changes of affiliations have a room write to a minute.'),
      nickLength: option.int().min(1).orOff().default(100).describe('Characters of a nick.'),
      messageSize: option.bytes().min('1KiB').orOff().default('128KiB').describe('The length of a message to a room.'),
    })
    .describe('How much one may do. Moderators may say and change ten times as much in their room.'),
  hats: option
    .group({
      perRoom: option.int().min(1).orOff().default(100).describe('How many a room has at most.'),
      perPerson: option.int().min(1).orOff().default(10).describe('How many somebody wears in a room at most.'),
    })
    .describe('What admins of rooms call people there.'),
  avatars: option
    .group({
      maxSize: option
        .bytes()
        .min('1KiB')
        .max('8MiB')
        .orOff()
        .default('128KiB')
        .describe('The largest vCard of a room, pictures included.'),
      inPresence: option
        .bool()
        .default(false)
        .describe(
          'Whether occupants are told of the picture by a presence of the room itself, which puzzles some clients.',
        ),
    })
    .describe('The pictures of rooms.'),
  away: option
    .group({
      deliver: option
        .bool()
        .default(false)
        .describe('Whether members with a reserved nick who are offline find what was said when they log in.'),
      maxNicks: option.int().min(1).orOff().default(500).describe('In rooms with more reserved nicks they do not.'),
    })
    .describe('What members of this host get who are not in the room; the offline messages of the host bound it.'),
  newcomers: option
    .group({
      from: option.int().min(2).orOff().default(200).describe('From how many clients in the room on.'),
      delay: option.duration().min('10ms').max('10s').default('500ms').describe('How long the first of them waits.'),
    })
    .describe('In a large room the others are told of those who enter together, after a while.'),
}
