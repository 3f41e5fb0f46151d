/** Removes folders when the process exits, unless they have been removed before. */
import { rmSync } from "node:fs"

const folders = new Set<string>()

const removeAll = () => {
  for (const folder of folders) {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another process still writes into the folder, and there is nowhere left to report it.
    }
  }
}

/** Removes the folder when the process exits. Returns a function that cancels the removal. */
export const removeAtExit = (folder: string) => {
  if (folders.size === 0) process.on("exit", removeAll)
  folders.add(folder)
  return () => {
    folders.delete(folder)
    if (folders.size === 0) process.off("exit", removeAll)
  }
}
