/** Where the program host runs: a transformation of its command line. It knows nothing of drivers. */

/** A command that starts the program host. `env` is added to the worker's own. */
export type HostCommand = {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

export type Executor = {
  readonly name: string
  readonly wrap: (host: HostCommand) => HostCommand
}

/** Runs the host as a process like any other. */
export const directExecutor = (name: string): Executor => ({ name, wrap: (host) => host })
