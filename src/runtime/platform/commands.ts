/**
 * How the processes of a run are started, by the form of this mill.
 *
 * The executable passes for Bun when its environment holds BUN_BE_BUN: whatever evaluates code of a user's runs so, since
 * only then are frozen sources and `@mill/core` given to it. Its other processes are the executable as it is.
 */
import type { SettingsData } from "../../internal/config/settings.effect.ts"
import { artefact, type Artefact } from "./artefact.ts"

export type Commands = Pick<typeof SettingsData.Type, "self" | "worker" | "bun" | "hostScript">

/** Removes the mark from the environment that a process hands on. */
export const plainEnvironment = "plain-environment.js"

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

/** The executable as Bun, for the scripts unpacked in `folder`. */
const passingForBun = (folder: string) => ({
  command: process.execPath,
  args: ["--no-install", "--preload", `${folder}/${plainEnvironment}`],
  env: { BUN_BE_BUN: "1" },
})

/** mill as a script of the executable's, unpacked in `folder`. */
export const unpackedMill = (folder: string) => {
  const { args, command, env } = passingForBun(folder)
  return { command, args: [...args, `${folder}/mill.js`], env }
}

/** Where the executable's scripts are unpacked; for scripts, where they are. */
export const scriptFolder = (cacheDir: string, form: Artefact = artefact): string =>
  form.form === "executable" ? `${cacheDir}/${form.digest}` : directoryOf(form.host)

export const commandsOf = (cacheDir: string): Commands => {
  const { execPath: command } = process
  const folder = scriptFolder(cacheDir)
  if (artefact.form === "executable") {
    const self = { command, args: [] }
    const hostScript = `${folder}/program-host.js`
    return { self, worker: { ...self, env: {} }, bun: passingForBun(folder), hostScript }
  }
  if (artefact.unpacked) {
    const worker = unpackedMill(folder)
    return { self: { command, args: [] }, worker, bun: passingForBun(folder), hostScript: artefact.host }
  }
  const self = { command, args: ["--no-install", artefact.mill] }
  const bun = { command, args: ["--no-install"], env: {} }
  return { self, worker: { ...self, env: {} }, bun, hostScript: artefact.host }
}
