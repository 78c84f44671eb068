import { foldForCollision } from '#api'

/** Letters of other scripts, and digits, that look like one of a to z. */
const lookAlikes: Readonly<Record<string, string>> = {
  ...{ a: 'аαɑ', b: 'вьβ', c: 'сϲ', d: 'ԁɗđ', e: 'еєҽε', f: 'ғſ', g: 'ɡցǥ', h: 'һհн', i: 'іιıɩ', j: 'јϳյȷ', k: 'кκ' },
  ...{ l: 'ӏłⅼ1', m: 'мⅿ', n: 'пηոռ', o: 'оοσօø0', p: 'рρ', q: 'ԛզ', r: 'гг', s: 'ѕꜱƽ', t: 'тτŧ', u: 'иυսʋμ', v: 'ѵν' },
  ...{ w: 'ԝшωա', x: 'хχ', y: 'уүγу', z: 'ᴢƶ' },
}
const latinOf = new Map(Object.entries(lookAlikes).flatMap(([latin, others]) => [...others].map((one) => [one, latin])))

/** What a name looks like: two that look the same at a glance have the same (after UTS #39 §4, with a smaller table). */
export function looksOf(name: string): string {
  const plain = foldForCollision(name)
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
  return [...plain]
    .map((char) => latinOf.get(char) ?? char)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}

/** Whether a name has letters of Latin and of a script that looks like it, as none in any language has (UTS #39 §5.2). */
export function mixesScripts(name: string): boolean {
  const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u]
  return scripts.filter((script) => script.test(name)).length > 1
}
