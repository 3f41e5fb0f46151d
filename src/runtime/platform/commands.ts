/**
 * How the processes of a run are started, by the form of this mill.
 *
 * The executable behaves like Bun if BUN_BE_BUN is set. Only the program host is started this way, because it is a separate
 * script. All other processes are the executable itself.
 */
import type { SettingsData } from "../../internal/config/settings.effect.ts"
import { artefact, type Executable } from "./artefact.ts"

export type Commands = Pick<typeof SettingsData.Type, "self" | "bun" | "hostScript">

/** The scripts of a shipped mill, by the names that scripts/build.ts gives them. */
export const scriptNames = {
  mill: "mill.js",
  host: "program-host.js",
  /** Preloaded where the executable runs as Bun: takes BUN_BE_BUN out of the environment. */
  plainEnvironment: "plain-environment.js",
} as const

export const unpackFolder = (cacheDir: string, { digest }: Executable): string => `${cacheDir}/${digest}`

/** Resolves the commands; the executable unpacks its scripts to `cacheDir`. */
export const resolveCommands = (cacheDir: string): Commands => {
  const { execPath: command } = process
  if (artefact.form === "executable") {
    const folder = unpackFolder(cacheDir, artefact)
    const args = ["--no-install", "--preload", `${folder}/${scriptNames.plainEnvironment}`]
    return {
      self: { command, args: [] },
      bun: { command, args, env: { BUN_BE_BUN: "1" } },
      hostScript: `${folder}/${scriptNames.host}`,
    }
  }
  return {
    self: { command, args: ["--no-install", artefact.mill] },
    bun: { command, args: ["--no-install"], env: {} },
    hostScript: artefact.host,
  }
}
