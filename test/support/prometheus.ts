import assert from 'node:assert/strict'

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
const sampleLine = new RegExp(
  String.raw`^(${NAME})(\{${LABEL}(?:,${LABEL})*\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)$`,
)

/** What a scrape shows, read as strictly as the text format of Prometheus has it: a series twice, or of no family, fails. */
export class Scrape {
  /** Values by series, as they are written: `name{label="value"}`. */
  readonly series = new Map<string, number>()

  constructor(text: string) {
    assert.ok(text.endsWith('\n'))
    const types = new Map<string, string>()
    let family = ''
    for (const line of text.split('\n')) {
      if (line === '') continue
      const [, what, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
      if (what === 'TYPE') {
        assert.ok(!types.has(name!), `two families ${name}`)
        assert.match(rest!, /^(counter|gauge|histogram)$/)
        types.set(name!, rest!)
        family = name!
      }
      if (what !== undefined) continue
      const [, metric, labels = '', value] = sampleLine.exec(line) ?? assert.fail(`no sample: ${line}`)
      const suffixes = types.get(family) === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      assert.ok(
        suffixes.some((suffix) => metric === family + suffix),
        `${metric} is in the family ${family}`,
      )
      assert.ok(!this.series.has(metric + labels), `twice: ${line}`)
      this.series.set(metric + labels, Number(value!.replace('Inf', 'Infinity')))
    }
  }

  /** The sum of the series of a name that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
    let sum = 0
    let found = false
    for (const [series, value] of this.series) {
      const [own, rest = ''] = series.split('{')
      if (own !== name || !wanted.every((one) => rest.includes(one))) continue
      found = true
      sum += value
    }
    assert.ok(found, `there is no ${name} ${wanted.join()}`)
    return sum
  }
}
