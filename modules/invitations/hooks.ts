import { defineQuestion, type Host } from '#api'

/** Answered by the module that makes accounts with invitations; without it, invitations are to contacts only. */
export const accountsByInvitation = defineQuestion<Host, boolean>(
  'invitations/accounts-by-invitation',
  false,
  'Can people make an account with an invitation?',
)
