/** Runs the host as a plain process, without a sandbox. */
import { Effect } from "effect"
import type { Executor } from "./executor.effect.ts"

export const makeDirectExecutor = (name: string): Executor => ({
  name,
  wrap: ({ bun, env, mill, planFile, runsDir, script, socketPath }) =>
    Effect.succeed({
      command: bun.command,
      args: [...bun.args, script, planFile, socketPath, ...mill],
      env: { ...bun.env, ...env, MILL_RUNS_DIR: runsDir },
      inheritEnv: true,
    }),
  readExit: (exit) => exit,
  lockedIn: false,
  cleanUp: Effect.void,
})
