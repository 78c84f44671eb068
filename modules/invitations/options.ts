import { option } from '#api'

/** What an admin may decide about invitations. */
export const options = {
  users: option
    .oneOf('accounts', 'contacts', 'nobody')
    .default('accounts')
    .describe(
      'What users may invite others to: to be their contacts, with an account here for those who have none; to be their contacts; or to nothing. Admins may invite in any case.',
    ),
  expiry: option.duration().min('1m').default('7d').describe('How long an invitation can be used.'),
  limits: option
    .group({
      open: option.int().min(1).orOff().default(10).describe('Most invitations of one user that can be used still.'),
      perDay: option.int().min(1).orOff().default(20).describe('Most invitations that one user makes in 24 hours.'),
    })
    .describe('How much users may invite; admins have no limit.'),
  page: option
    .bool()
    .default(true)
    .describe(
      'Whether the server has a page for each invitation, at /invite/, where people without a client learn what it is, and make an account where they may.',
    ),
  landingUrl: option
    .string()
    .matching(/^https:\/\/\S*\{(?:invitation|token)\}\S*$/, 'an https address with {invitation} or {token} in it')
    .optional()
    .describe(
      'A web page of yours that shows an invitation, instead of the server’s: {token} stands for its token, {invitation} for its link without the xmpp: in front.',
    )
    .example('"https://example.org/invite/#{invitation}"'),
}
