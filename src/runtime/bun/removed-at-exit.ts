/** Folders that are removed when the process exits, should nothing have removed them before. */
import { rmSync } from "node:fs"

const folders = new Set<string>()

const removeAll = () => {
  for (const folder of folders) {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Something still writes into it: there is nobody left to tell.
    }
  }
}

/** Has the folder removed at the process's exit; gives what ends that. */
export const removeAtExit = (folder: string) => {
  if (folders.size === 0) process.on("exit", removeAll)
  folders.add(folder)
  return () => {
    folders.delete(folder)
    if (folders.size === 0) process.off("exit", removeAll)
  }
}
