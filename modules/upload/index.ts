import { accountDeleting, accountFacts, type Context, defineModule, serviceDomains, xep } from '#api'
import { discoItems } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { Clearing } from './clearing.ts'
import { runCommand, uploadCommands, usageOf } from './commands.ts'
import { DiskFiles } from './disk-files.ts'
import type { FileStore } from './file-store.ts'
import { complaintsOf, options, type UploadConfig } from './options.ts'
import { Receiving } from './receiving.ts'
import { S3Files } from './s3-files.ts'
import { UploadService } from './service.ts'
import { Serving } from './serving.ts'
import { PATH, Slots } from './slots.ts'
import { UploadStore } from './store.ts'

const PURGE_EVERY_MS = 3_600_000

export default defineModule({
  name: 'upload',
  summary: 'Takes files that people want to send, and hands them out to those who know their addresses.',
  implements: [xep(363, '1.2.0', 'Files of profiles and ephemeral ones; none for good.')],
  options,
  check: complaintsOf,
  domains: ({ services }, host) => serviceDomains(services, host),
  commands: uploadCommands,
  depends: { disco },

  async setup(ctx) {
    const { host, config, clock, log, metrics, server } = ctx
    const store = new UploadStore(ctx.db, host.domain)
    const files = fileStore(config, await ctx.folder(), ctx.after)
    const secret = host.keyFor('upload')
    const outcomes = ['stored', 'refused', 'cut', 'failed'] as const
    const requests = metrics.counter('uploads_total', 'Files that clients began to send.', { outcome: outcomes })
    const bytes = metrics.counter('stored_bytes_total', 'Bytes of files that were stored.')
    const receiving = new Receiving({
      store,
      files,
      clock,
      after: ctx.after,
      secret,
      uploadMs: config.uploadTime,
      count: (outcome, size) => {
        requests.of(outcome).value++
        bytes.value += size
      },
    })
    const webUrl = server.webUrl ?? ''
    const slots = new Slots({ host, store, config, clock, webUrl, secret, coming: (account) => receiving.of(account) })
    const serving = new Serving({ store, files, config, clock })
    const clearing = new Clearing({ store, files, config, clock, receiving, slots })

    if (server.webUrl === undefined) log.info('there is no HTTP server, so that nobody can upload files')
    else {
      const service = new UploadService({ host, config, give: (account, wish) => slots.give(account, wish) })
      const domains = serviceDomains(config.services, host.domain)
      for (const domain of domains) ctx.serve(domain, (event) => service.receive(event))
      ctx.add(discoItems, { of: 'host', items: () => domains.map((jid) => ({ jid, name: config.name })) })
    }
    const path = `${PATH}/:slot/:name`
    const open = { path, access: 'anyone', origins: ['*'] } as const
    ctx.route({ ...open, method: 'PUT', handle: (request, reply) => receiving.put(request, reply) })
    ctx.route({ ...open, method: 'GET', handle: (request, reply) => serving.get(request, reply) })

    const parts = { host, store, clearing, clock, config, receiving }
    const run = runCommand(parts)
    for (const { name } of uploadCommands) ctx.command(name, run[name])
    ctx.add(accountFacts, { name: 'uploads', tell: (jid) => usageOf(parts, jid) })
    ctx.gate(accountDeleting, ({ jid }) => clearing.forget(jid))
    ctx.onReady(() => files.tidy())
    ctx.every(PURGE_EVERY_MS, 'files that are over could not be removed', async () => void (await clearing.purge()))
    ctx.onStop(async () => {
      await receiving.stop()
      await slots.idle()
    })
  },
})

function fileStore({ s3 }: UploadConfig, folder: string, after: Context['after']): FileStore {
  const { endpoint, region, bucket, accessKey, secretKey } = s3
  if (endpoint === undefined || bucket === undefined || accessKey === undefined || secretKey === undefined)
    return new DiskFiles(folder)
  return new S3Files({ endpoint, region, bucket, accessKey, secretKey }, after)
}
