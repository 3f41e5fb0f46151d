/** Where the program host runs: a transformation of its command line. It knows nothing of drivers. */
import type { Effect, FileSystem } from "effect"
import type { StoreError } from "../../domain/error.schema.ts"
import type { ProcessExit } from "../process/started-process.ts"

/** What starts the host where nothing is around it, and the files that it needs. Paths are absolute. */
export type HostCall = {
  /** How a Bun script is run. */
  readonly bun: {
    readonly command: string
    readonly args: ReadonlyArray<string>
    readonly env: Readonly<Record<string, string>>
  }
  readonly script: string
  readonly planFile: string
  readonly socketPath: string
  /** How mill is started by a host that finds its worker gone. */
  readonly mill: ReadonlyArray<string>
  /** Where runs that the program starts would go. */
  readonly runsDir: string
  /** What the program finds of its run in its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A command that starts the program host. */
export type HostCommand = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** Whether the command has the worker's environment too, beneath `env`. */
  readonly inheritEnv: boolean
}

export type Executor = {
  readonly name: string
  readonly wrap: (host: HostCall) => Effect.Effect<HostCommand, StoreError, FileSystem.FileSystem>
  /** How the host ended, when its command ended so. */
  readonly exitOf: (exit: ProcessExit) => ProcessExit
  /** Whether the host is locked in, so that somebody outside has to see to the run when its worker is gone. */
  readonly lockedIn: boolean
  /** Ends what the end of the command may have left of the host. */
  readonly cleanUp: Effect.Effect<void>
}

/** The arguments by which the same script is the guard of a host that is locked in; how mill is started follows. */
export const guardArgs = (script: string, controlSocket: string, planFile: string): ReadonlyArray<string> => [
  "--no-install",
  script,
  "--guard",
  controlSocket,
  planFile,
]
