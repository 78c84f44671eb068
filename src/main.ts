import { runCli } from './cli.ts'

// Whoever read our output has gone (a closed terminal, `| head`); that is no reason to stop serving.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exitCode = await runCli(process.argv.slice(2))
