import { Counter, Gauge, Registry } from 'prom-client'
import { Distribution } from './distribution.ts'

/** The labels of a metric, each with all values it may have: whatever else comes counts as `other`. */
export type Labels = Readonly<Record<string, readonly string[]>>

/** One number that only grows, raised in place: `count.value++` is all that it costs. */
export interface Count {
  value: number
}

/** Counts told apart by labels. */
export interface Counts {
  /** The one with these values, in the order of the labels. Whoever raises it often keeps it. */
  of(...values: readonly string[]): Count
}

/** One number with what tells it apart from others of its name. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads off what is kept anyway; called at each scrape. */
export type Reading = () => number | readonly Sample[]

/**
 * The way to let what happens be seen in numbers. Names are those of Prometheus: of counts they end in `_total`, units (`_seconds`,
 * `_bytes`) come before that. Values of labels are of the program or the configuration, never of what clients send: each is a series.
 */
export interface Meter {
  counter(name: string, help: string): Count
  counter(name: string, help: string, labels: Labels): Counts
  /** A count that somebody else keeps; `labels` are the names of those of its samples. */
  counted(name: string, help: string, read: Reading, labels?: readonly string[]): void
  /** What is so at the moment of a scrape. */
  gauge(name: string, help: string, read: Reading, labels?: readonly string[]): void
  /** Sizes or times; `bounds` are the upper ends of what is told apart. */
  histogram(name: string, help: string, bounds: readonly number[]): Distribution
}

/** A distribution with what tells it apart from others of its name. */
export interface DistributionSample {
  readonly labels: Readonly<Record<string, string>>
  readonly distribution: Distribution
}

type Kind = 'counter' | 'gauge' | 'histogram'
type Undo = () => void
type Reader = () => readonly (DistributionSample | Sample)[]

interface Family {
  readonly kind: Kind
  readonly labels: readonly string[]
  /** Those who have something to say under this name: the module of each host. */
  readonly readers: Set<Reader>
}

/** What stands in for the value of a label that was not declared. */
const OTHER = 'other'

/** The metrics of one server: what is measured, and the text of it for Prometheus. */
export class Metrics implements Meter {
  readonly #registry = new Registry()
  readonly #families = new Map<string, Family>()
  readonly #onFailure: (name: string, error: unknown) => void
  readonly #onFirst: (() => void)[] = []

  /** `onFailure` hears what a reading threw; the rest is scraped all the same. */
  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** All there is to say, in the text format of Prometheus. */
  async text(): Promise<string> {
    for (const begin of this.#onFirst.splice(0)) begin()
    return await this.#registry.metrics()
  }

  /** Has something begin with the first scrape: nobody pays for what nobody looks at. */
  onFirstScrape(begin: () => void): void {
    this.#onFirst.push(begin)
  }

  counter(name: string, help: string): Count
  counter(name: string, help: string, labels: Labels): Counts
  counter(name: string, help: string, labels?: Labels): Count | Counts {
    return makeCounter((read, names) => this.counted(name, help, read, names), labels)
  }

  counted(name: string, help: string, read: Reading, labels: readonly string[] = []): Undo {
    return this.#attach('counter', name, help, labels, () => samplesOf(read()))
  }

  gauge(name: string, help: string, read: Reading, labels: readonly string[] = []): Undo {
    return this.#attach('gauge', name, help, labels, () => samplesOf(read()))
  }

  histogram(name: string, help: string, bounds: readonly number[]): Distribution {
    const distribution = new Distribution(bounds)
    this.distributions(name, help, () => [{ labels: {}, distribution }])
    return distribution
  }

  /** Distributions that somebody else keeps; `labels` are the names of those of the samples. */
  distributions(
    name: string,
    help: string,
    read: () => readonly DistributionSample[],
    labels: readonly string[] = [],
  ): Undo {
    return this.#attach('histogram', name, help, labels, read)
  }

  /** A meter whose names begin with `prefix` and whose samples all have `labels`; `lend` gets what takes each metric back. */
  scope(prefix: string, labels: Readonly<Record<string, string>>, lend: (undo: Undo) => void): Meter {
    const names = Object.keys(labels)
    const reading = (read: Reading) => () =>
      samplesOf(read()).map(({ labels: own, value }) => ({ labels: { ...labels, ...own }, value }))
    const counted: Meter['counted'] = (name, help, read, own = []) =>
      lend(this.counted(prefix + name, help, reading(read), [...names, ...own]))
    const counter = (name: string, help: string, own?: Labels) =>
      makeCounter((read, ownNames) => counted(name, help, read, ownNames), own)
    return {
      counter: counter as Meter['counter'],
      counted,
      gauge: (name, help, read, own = []) => lend(this.gauge(prefix + name, help, reading(read), [...names, ...own])),
      histogram: (name, help, bounds) => {
        const distribution = new Distribution(bounds)
        lend(this.distributions(prefix + name, help, () => [{ labels, distribution }], names))
        return distribution
      },
    }
  }

  #attach(kind: Kind, name: string, help: string, labels: readonly string[], read: Reader): Undo {
    const family = this.#families.get(name) ?? this.#begin(kind, name, help, labels)
    if (family.kind !== kind || family.labels.join() !== labels.join())
      throw new Error(`two metrics are called ${name}`)
    // Of its own, since one reading may stand here twice.
    const reader = () => read()
    family.readers.add(reader)
    return () => {
      if (!family.readers.delete(reader) || family.readers.size > 0) return
      this.#registry.removeSingleMetric(name)
      this.#families.delete(name)
    }
  }

  #begin(kind: Kind, name: string, help: string, labels: readonly string[]): Family {
    checkName(kind, name)
    const family: Family = { kind, labels, readers: new Set() }
    const settings = { name, help, labelNames: [...labels], registers: [] }
    const samples = () => this.#samples(name, family)
    const metric =
      kind === 'histogram'
        ? histogramMetric(name, help, samples as () => DistributionSample[])
        : new (kind === 'counter' ? Counter : Gauge)({
            ...settings,
            collect() {
              this.reset()
              // Those of one name and the same labels add up.
              for (const sample of samples() as Sample[]) this.inc(sample.labels, sample.value)
            },
          })
    this.#registry.registerMetric(metric as Gauge)
    this.#families.set(name, family)
    return family
  }

  #samples(name: string, { readers }: Family): (DistributionSample | Sample)[] {
    return [...readers].flatMap((read) => {
      try {
        return read()
      } catch (error) {
        this.#onFailure(name, error)
        return []
      }
    })
  }
}

function checkName(kind: Kind, name: string): void {
  const isGood =
    /^(stonechat|process|nodejs)(_[a-z0-9]+)+$/.test(name) && (kind === 'counter') === name.endsWith('_total')
  if (!isGood) throw new Error(`${name} is no name for a ${kind}`)
}

function samplesOf(read: number | readonly Sample[]): readonly Sample[] {
  return typeof read === 'number' ? [{ labels: {}, value: read }] : read
}

function makeCounter(attach: (read: Reading, names: readonly string[]) => void, labels?: Labels): Count | Counts {
  if (labels !== undefined) {
    const counts = new LabelledCounts(labels)
    attach(() => counts.samples(), Object.keys(labels))
    return counts
  }
  const count: Count = { value: 0 }
  attach(() => count.value, [])
  return count
}

/** All combinations of the values of some labels, from the start: what has not happened yet is 0, and not missing. */
class LabelledCounts implements Counts {
  readonly #labels: readonly (readonly [name: string, values: ReadonlySet<string>])[]
  readonly #counts = new Map<string, Count & { readonly labels: Readonly<Record<string, string>> }>()

  constructor(labels: Labels) {
    this.#labels = Object.entries(labels).map(([name, values]) => [name, new Set(values)] as const)
    let combinations: string[][] = [[]]
    for (const [, values] of this.#labels)
      combinations = combinations.flatMap((begun) => [...values].map((value) => [...begun, value]))
    for (const combination of combinations) this.of(...combination)
  }

  of(...values: readonly string[]): Count {
    const known = this.#labels.map(([, allowed], place) => {
      const value = values[place]
      return value !== undefined && allowed.has(value) ? value : OTHER
    })
    const key = known.join()
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { value: 0, labels: Object.fromEntries(this.#labels.map(([name], place) => [name, known[place]!])) }
      this.#counts.set(key, count)
    }
    return count
  }

  samples(): readonly Sample[] {
    return [...this.#counts.values()]
  }
}

/** What prom-client’s registry asks for at a scrape, of distributions that are kept here. */
function histogramMetric(name: string, help: string, read: () => readonly DistributionSample[]) {
  const values = () =>
    merged(read()).flatMap(({ labels, distribution }) => {
      let below = 0
      const buckets = distribution.bounds.map((bound, place) => {
        below += distribution.counts[place]!
        return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: below }
      })
      return [
        ...buckets,
        { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: distribution.count },
        { metricName: `${name}_sum`, labels, value: distribution.sum },
        { metricName: `${name}_count`, labels, value: distribution.count },
      ]
    })
  return { name, help, type: 'histogram', get: async () => ({ name, help, type: 'histogram', values: values() }) }
}

/** Those with the same labels are one: no series may come twice. */
function merged(samples: readonly DistributionSample[]): readonly DistributionSample[] {
  const byLabels = new Map<string, DistributionSample>()
  for (const { labels, distribution } of samples) {
    const key = JSON.stringify(labels)
    const known = byLabels.get(key) ?? { labels, distribution: new Distribution(distribution.bounds) }
    known.distribution.include(distribution)
    byLabels.set(key, known)
  }
  return [...byLabels.values()]
}
