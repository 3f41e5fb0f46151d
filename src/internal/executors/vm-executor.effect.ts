/**
 * Runs the host in a sandbox that sees what the program needs and no more. `mill` is the way out: the socket of the
 * run is the only one that is there.
 */
import { Effect, FileSystem } from "effect"
import type { VmExecutorConfig } from "../../domain/config.schema.ts"
import type { Plan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { ProcessExit } from "../process/process-group.effect.ts"
import { writeAtomically } from "../store/files.effect.ts"
import { hostPlanFile } from "../store/run-paths.effect.ts"
import { bubblewrapArgs } from "./bubblewrap.effect.ts"
import { containerArgs, removeContainer } from "./container.effect.ts"
import { type Executor, type HostCall, hostArgs } from "./executor.effect.ts"
import { inside, type Mount, type Sandbox, scratch } from "./sandbox.effect.ts"
import { folderOf, sandboxView } from "./sandbox-view.effect.ts"

/** Signals by which processes die; the runtimes tell of them as a shell does, by 128 and the signal's number. */
const signals: Readonly<Record<number, string>> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
}

/** How what ran in the sandbox ended. A program that exits with such a code itself is taken for one that was killed. */
const exitOf = (exit: ProcessExit): ProcessExit => {
  const signal = exit._tag === "Code" ? signals[exit.code - 128] : undefined
  return signal === undefined ? exit : ProcessExit.Signal({ signal })
}

/** All that the host reads of a plan: a driver's arguments, say, are no business of the program's. */
const hostPlan = ({ invocation, program, programPath }: Plan): string =>
  JSON.stringify({ programPath, program, invocation })

/** Where the host's script is seen, by its own ending: that says which language it is in. */
const scriptIn = (script: string): string => `${inside}/host${/\.\w+$/.exec(script)?.[0] ?? ""}`

/** Mill's own files, by the places where the host finds them. */
const ownMounts = Effect.fnUntraced(function* (host: HostCall, planFile: string) {
  const fs = yield* FileSystem.FileSystem
  // In a source checkout the script has files beside it; as it is shipped, it is one file.
  const parts = `${folderOf(host.script)}/host`
  const inParts = yield* Effect.orElseSucceed(fs.exists(parts), () => false)
  return [
    { from: host.bun.command, at: `${inside}/bun` },
    { from: host.script, at: scriptIn(host.script) },
    ...(inParts ? [{ from: parts, at: `${inside}/host` }] : []),
    { from: planFile, at: `${inside}/plan.json` },
    { from: host.socketPath, at: `${inside}/socket` },
  ] satisfies ReadonlyArray<Mount>
})

/** The executor of a plan. Values of variables are the configuration's and the environment's, and in no plan. */
export const vmExecutor = Effect.fnUntraced(function* (
  plan: Plan,
  paths: RunPaths,
  executor: PlanVmExecutor,
  config: VmExecutorConfig,
) {
  const { environment, groupId, millHome, runsDir, socketDir, userId } = yield* Settings
  const { runId } = plan.invocation

  const wrap: Executor["wrap"] = Effect.fn("VmExecutor.wrap")(function* (host) {
    const planFile = hostPlanFile(paths)
    yield* writeAtomically(planFile, hostPlan(plan))
    const secret = [runsDir, socketDir, ...(millHome === undefined ? [] : [millHome])]
    const view = yield* sandboxView(plan, paths, executor.readable, secret)
    const letIn = executor.env.flatMap((name) =>
      environment[name] === undefined ? [] : [[name, environment[name]] as const],
    )
    const sandbox: Sandbox = {
      executor,
      cwd: plan.invocation.cwd,
      folders: view.folders,
      mounts: [...view.mounts, ...(yield* ownMounts(host, planFile))],
      hidden: view.hidden,
      command: [
        `${inside}/bun`,
        ...hostArgs(scriptIn(host.script), `${inside}/plan.json`, `${inside}/socket`),
      ],
      openEnv: { HOME: scratch, ...host.bun.env, ...host.env },
      secretEnv: { ...Object.fromEntries(letIn), ...config.setEnv },
      userId,
      groupId,
    }
    return executor.runtime === "bubblewrap"
      ? {
          command: executor.command,
          args: bubblewrapArgs(sandbox),
          env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...sandbox.openEnv, ...sandbox.secretEnv },
          inheritEnv: false,
        }
      : {
          command: executor.command,
          args: containerArgs(runId, sandbox),
          // The mark by which what is left of a run is found.
          env: { ...sandbox.secretEnv, ...host.env },
          inheritEnv: true,
        }
  })
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof removeContainer>>>()
  const cleanUp = Effect.provide(removeContainer({ executor, runId }), context)
  return { name: executor.name, wrap, exitOf, lockedIn: true, cleanUp } satisfies Executor
})
