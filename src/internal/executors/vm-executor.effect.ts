/**
 * Runs the host in a sandbox that shows only what the program needs. The sandbox has one socket, which leads to the
 * run's worker: `mill` is the way out.
 */
import { Effect, Path } from "effect"
import type { VmExecutorConfig } from "../../domain/config.schema.ts"
import type { Plan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { ProcessExit } from "../process/started-process.ts"
import { Processes } from "../process/processes.effect.ts"
import { pathExists, writeAtomically } from "../files/files.effect.ts"
import { buildBubblewrapArgs } from "./bubblewrap.ts"
import { buildContainerArgs, removeContainer } from "./container.effect.ts"
import type { Executor, HostCall } from "./executor.effect.ts"
import { inside, type Mount, type Sandbox, scratch } from "./sandbox.ts"
import { makeSandboxView } from "./sandbox-view.effect.ts"

/** Signals that end processes. Like a shell, the runtimes report them as 128 plus the number of the signal. */
const signals: Readonly<Record<number, string>> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
}

/** Reads how the host ended. A program that exits with such a code itself counts as killed. */
const readExit = (exit: ProcessExit): ProcessExit => {
  const signal = exit._tag === "Code" ? signals[exit.code - 128] : undefined
  return signal === undefined ? exit : ProcessExit.Signal({ signal })
}

/** Encodes the part of a plan that the host reads: a program has no need of a driver's arguments, for example. */
const encodeHostPlan = ({ extensions, invocation, program, programPath }: Plan): string =>
  JSON.stringify({ programPath, program, extensions, invocation })

/** Directories that the host's script imports from in a checkout, relative to its own. The shipped script is one file. */
const checkoutFolders = ["host", "../domain"]

/** Mill's own scripts are mounted in one directory. */
const placeInBin = (script: string, { basename }: Path.Path): string => `${inside}/bin/${basename(script)}`

const listOwnMounts = Effect.fnUntraced(function* (host: HostCall, planFile: string) {
  const paths = yield* Path.Path
  const folder = paths.dirname(host.script)
  const inCheckout = yield* pathExists(`${folder}/host`)
  return [
    { from: host.bun.command, at: `${inside}/bun` },
    ...[...host.bun.args, host.script]
      .filter(isPath)
      .map((path) => ({ from: path, at: placeInBin(path, paths) })),
    ...(inCheckout ? checkoutFolders : []).map((part) => ({
      from: `${folder}/${part}`,
      at: `${inside}/${part.startsWith("../") ? part.slice(3) : `bin/${part}`}`,
    })),
    { from: planFile, at: `${inside}/plan.json` },
    { from: host.socketPath, at: `${inside}/socket` },
  ] satisfies ReadonlyArray<Mount>
})

/** Whether an argument of Bun names a file. */
const isPath = (argument: string): boolean => argument.startsWith("/")

const buildCommand = ({ bun, script }: HostCall, paths: Path.Path): Sandbox["command"] => [
  `${inside}/bun`,
  ...[...bun.args, script].map((argument) => (isPath(argument) ? placeInBin(argument, paths) : argument)),
  `${inside}/plan.json`,
  `${inside}/socket`,
]

/** Makes the executor of a plan. The values of variables come from the configuration and the environment; no plan holds them. */
export const makeVmExecutor = Effect.fnUntraced(function* (
  plan: Plan,
  paths: RunPaths,
  executor: PlanVmExecutor,
  config: VmExecutorConfig,
) {
  const { environment, groupId, millHome, runsDir, socketDir, userId } = yield* Settings
  const { runId } = plan.invocation

  const wrap: Executor["wrap"] = Effect.fn("VmExecutor.wrap")(function* (host) {
    const planFile = `${paths.runDir}/host-plan.json`
    yield* writeAtomically(planFile, encodeHostPlan(plan))
    const secret = [runsDir, socketDir, ...(millHome === undefined ? [] : [millHome])]
    const view = yield* makeSandboxView(plan, paths, executor.readable, secret)
    const allowed = executor.env.flatMap((name) => {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      return value === undefined ? [] : [[name, value] as const]
    })
    const sandbox: Sandbox = {
      executor,
      cwd: plan.invocation.cwd,
      ...view,
      mounts: [...view.mounts, ...(yield* listOwnMounts(host, planFile))],
      command: buildCommand(host, yield* Path.Path),
      openEnv: { HOME: scratch, ...host.bun.env, ...host.env },
      secretEnv: { ...Object.fromEntries(allowed), ...config.setEnv },
      userId,
      groupId,
    }
    return executor.runtime === "bubblewrap"
      ? {
          command: executor.command,
          args: buildBubblewrapArgs(sandbox),
          env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...sandbox.openEnv, ...sandbox.secretEnv },
          inheritEnv: false,
        }
      : {
          command: executor.command,
          args: buildContainerArgs(runId, sandbox),
          // Marks the processes of the run.
          env: { ...sandbox.secretEnv, ...host.env },
          inheritEnv: true,
        }
  })
  const cleanUp = Effect.provideService(removeContainer({ executor, runId }), Processes, yield* Processes)
  return { name: executor.name, wrap, readExit, lockedIn: true, cleanUp } satisfies Executor
})
