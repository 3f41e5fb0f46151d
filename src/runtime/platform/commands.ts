/**
 * How the processes of a run are started, by the form of this mill.
 *
 * The executable runs as Bun when its environment holds BUN_BE_BUN. Processes that evaluate user code run so, because Bun's
 * plugins, which serve frozen sources and `@mill/core`, do not work in a compiled executable. All other processes are the
 * executable as it is.
 */
import type { SettingsData } from "../../internal/config/settings.effect.ts"
import { artefact, type Executable } from "./artefact.ts"

export type Commands = Pick<typeof SettingsData.Type, "self" | "worker" | "bun" | "hostScript">

/** The scripts of a shipped mill, by the names that scripts/build.ts gives them. */
export const scriptNames = {
  mill: "mill.js",
  host: "program-host.js",
  /** Preloaded where the executable runs as Bun: takes BUN_BE_BUN out of the environment. */
  plainEnvironment: "plain-environment.js",
} as const

/** The scripts that the executable runs as Bun besides mill itself. */
export const hostScripts: ReadonlyArray<string> = [scriptNames.host, scriptNames.plainEnvironment]

export const unpackFolder = (cacheDir: string, { digest }: Executable): string => `${cacheDir}/${digest}`

/** The executable as Bun, for the scripts unpacked in `folder`. */
const runAsBun = (folder: string) => ({
  command: process.execPath,
  args: ["--no-install", "--preload", `${folder}/${scriptNames.plainEnvironment}`],
  env: { BUN_BE_BUN: "1" },
})

/** mill as a script unpacked in `folder` by the executable. */
export const runUnpackedMill = (folder: string) => {
  const { args, command, env } = runAsBun(folder)
  return { command, args: [...args, `${folder}/${scriptNames.mill}`], env }
}

export const resolveCommands = (cacheDir: string, dirname: (path: string) => string): Commands => {
  const { execPath: command } = process
  const executable = { command, args: [] }
  if (artefact.form === "executable") {
    const folder = unpackFolder(cacheDir, artefact)
    const hostScript = `${folder}/${scriptNames.host}`
    return { self: executable, worker: { ...executable, env: {} }, bun: runAsBun(folder), hostScript }
  }
  const { host: hostScript } = artefact
  if (artefact.unpacked) {
    const folder = dirname(hostScript)
    return { self: executable, worker: runUnpackedMill(folder), bun: runAsBun(folder), hostScript }
  }
  const self = { command, args: ["--no-install", artefact.mill] }
  const bun = { command, args: ["--no-install"], env: {} }
  return { self, worker: { ...self, env: {} }, bun, hostScript }
}
