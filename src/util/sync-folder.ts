import { open } from 'node:fs/promises'

/** Sees that the names in a folder are on disk: that what stands under one is, does not say so of the name. */
export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
