/** An executor decides where the program host runs, by transforming its command line. */
import type { Effect, FileSystem, Path } from "effect"
import type { StoreError } from "../../domain/error.schema.ts"
import type { ProcessExit } from "../process/started-process.ts"

/** The command of a host without a sandbox, and the files that the host needs. Paths are absolute. */
export type HostCall = {
  /** Runs a Bun script. */
  readonly bun: {
    readonly command: string
    readonly args: ReadonlyArray<string>
    readonly env: Readonly<Record<string, string>>
  }
  readonly script: string
  readonly planFile: string
  readonly socketPath: string
  /** The command line of mill, for a host whose worker is gone. */
  readonly mill: ReadonlyArray<string>
  /** The store of nested runs. */
  readonly runsDir: string
  /** The variables that name the run. */
  readonly env: Readonly<Record<string, string>>
}

/** A command that starts the program host. */
export type HostCommand = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** Whether the command also inherits the worker's environment. `env` takes precedence. */
  readonly inheritEnv: boolean
}

export type Executor = {
  readonly name: string
  readonly wrap: (host: HostCall) => Effect.Effect<HostCommand, StoreError, FileSystem.FileSystem | Path.Path>
  /** Reads how the host ended from the exit of its command. */
  readonly readExit: (exit: ProcessExit) => ProcessExit
  /** Whether the host is in a sandbox, so that a guard outside has to settle the run when the worker is gone. */
  readonly lockedIn: boolean
  /** Removes what the command may have left behind. */
  readonly cleanUp: Effect.Effect<void>
}

/** Builds the arguments that run the host's script as a guard. The command line of mill follows them. */
export const buildGuardArgs = (
  script: string,
  controlSocket: string,
  planFile: string,
): ReadonlyArray<string> => ["--no-install", script, "--guard", controlSocket, planFile]
