import { describeFlows } from './pipeline/compile.ts'
import { openServer } from './serve.ts'
import { openLog, type Setup } from './setup.ts'

/** The compiled order of every host's flows and its IQ table, for `stonechat pipeline`; modules are set up on an empty database in memory. */
export async function describePipeline(setup: Setup): Promise<string[]> {
  const config = { ...setup.config, database: { client: 'sqlite', file: ':memory:' } } as const
  const opened = await openServer({ ...setup, config }, openLog({ ...config, log: { ...config.log, level: 'error' } }))
  try {
    return [...opened.server.hosts.values()].flatMap((host) => [
      `host ${host.domain}`,
      ...describeFlows(host.flows).trimEnd().split('\n'),
      'iq',
      ...host.iq.describe().map((line) => `  ${line}`),
    ])
  } finally {
    await opened.close()
  }
}
