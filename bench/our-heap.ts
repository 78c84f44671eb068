import { setTimeout as sleep } from 'node:timers/promises'

interface Reply {
  readonly id: number
  readonly error?: { readonly message: string }
  readonly result?: { readonly result?: { readonly value?: unknown } }
}

/**
 * What a Node.js process holds once its garbage is collected, in KiB: heap and what hangs on it outside. The process was
 * started with `--inspect-port`; its inspector is opened by a signal and stays open.
 */
export async function liveKiB(pid: number, inspectPort: number): Promise<number> {
  const socket = new WebSocket(await inspectorOf(pid, inspectPort))
  try {
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = () => reject(new Error('the inspector cannot be reached'))
    })
    // What the first leaves to finalizers, the second collects.
    for (let i = 0; i < 2; i++) await call(socket, i, 'HeapProfiler.collectGarbage')
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())'
    const reply = await call(socket, 2, 'Runtime.evaluate', { expression })
    return Number(reply.result?.result?.value) / 1024
  } finally {
    socket.close()
  }
}

async function inspectorOf(pid: number, port: number): Promise<string> {
  process.kill(pid, 'SIGUSR1')
  for (let tries = 0; tries < 100; tries++) {
    try {
      const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
        webSocketDebuggerUrl: string
      }[]
      if (target !== undefined) return target.webSocketDebuggerUrl
    } catch {
      // It is not open yet.
    }
    await sleep(50)
  }
  throw new Error('the inspector does not open')
}

function call(socket: WebSocket, id: number, method: string, params: object = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply
      if (reply.id !== id) return
      if (reply.error === undefined) resolve(reply)
      else reject(new Error(reply.error.message))
    }
    socket.onclose = () => reject(new Error('the inspector closed'))
    socket.send(JSON.stringify({ id, method, params }))
  })
}
