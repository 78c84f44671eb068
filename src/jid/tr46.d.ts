declare module 'tr46' {
  interface Options {
    readonly checkHyphens?: boolean
    readonly checkBidi?: boolean
    readonly checkJoiners?: boolean
    readonly useSTD3ASCIIRules?: boolean
    readonly transitionalProcessing?: boolean
    readonly ignoreInvalidPunycode?: boolean
  }
  export function toUnicode(domain: string, options?: Options): { domain: string; error: boolean }
  export function toASCII(domain: string, options?: Options & { readonly verifyDNSLength?: boolean }): string | null
}
