import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU time a process and its descendants have used, user and system, in microseconds (steps of a clock tick). */
export function cpuMicros(pid: number): number {
  return family(pid).reduce((sum, { ticks }) => sum + ticks, 0) * (1_000_000 / ticksPerSecond)
}

/**
 * CPU time the threads of a process and its descendants have used, in microseconds, exactly: for short times, in which no
 * thread ends.
 */
export function threadMicros(pid: number): number {
  return family(pid).reduce((sum, member) => sum + threadNanos(member.pid), 0) / 1_000
}

/** Resident memory of a process and its descendants, in KiB. */
export function residentKiB(pid: number): number {
  return family(pid).reduce((sum, member) => sum + statusKiB(member.pid, 'VmRSS'), 0)
}

/** Waits until resident memory moves by less than 0.5 % for ten seconds, at most `maxSeconds`, and returns it in KiB. */
export async function settledKiB(pid: number, maxSeconds: number): Promise<number> {
  const samples: number[] = []
  for (let second = 0; second < maxSeconds; second++) {
    await sleep(1_000)
    samples.push(residentKiB(pid))
    const last = samples.slice(-10)
    if (second >= 15 && Math.max(...last) - Math.min(...last) < Math.max(...last) * 0.005) break
  }
  return samples.at(-1)!
}

/** How many files this process, and so its children, may open. */
export function openFilesLimit(): number {
  const line = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+(\S+)/m)?.[1]
  return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line)
}

interface Member {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

function family(pid: number): Member[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? [])
  const found = all.filter((member) => member.pid === pid)
  for (const member of found) found.push(...all.filter(({ parent }) => parent === member.pid))
  return found
}

function readStat(pid: number): Member | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything; the fields after it are numbers.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return undefined
  }
}

function threadNanos(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    } catch {
      return sum
    }
  }, 0)
}

function statusKiB(pid: number, field: string): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/status`, 'latin1').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))?.[1] ?? 0,
    )
  } catch {
    return 0
  }
}
