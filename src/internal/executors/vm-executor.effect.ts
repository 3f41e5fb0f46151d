/**
 * Runs the host in a sandbox that sees what the program needs and no more. `mill` is the way out: the socket of the
 * run is the only one that is there.
 */
import { Effect, FileSystem } from "effect"
import type { VmExecutorConfig } from "../../domain/config.schema.ts"
import type { Plan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import type { RunPaths } from "../../domain/run.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { ProcessExit } from "../process/started-process.ts"
import { Processes } from "../process/processes.effect.ts"
import { writeAtomically } from "../files/files.effect.ts"
import { hostPlanFile } from "../store/run-paths.ts"
import { bubblewrapArgs } from "./bubblewrap.ts"
import { containerArgs, removeContainer } from "./container.effect.ts"
import type { Executor, HostCall } from "./executor.effect.ts"
import { inside, type Mount, type Sandbox, scratch } from "./sandbox.ts"
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
const hostPlan = ({ extensions, invocation, program, programPath }: Plan): string =>
  JSON.stringify({ programPath, program, extensions, invocation })

/** What is run of mill's, by its place outside and in the sandbox. */
const inBin = (path: string): Mount => ({ from: path, at: `${inside}/bin/${nameOf(path)}` })

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** Folders that the host's script imports from, seen from its own; as it is shipped, it is one file. */
const checkoutFolders = ["host", "../domain"]

/** Mill's own files, by the places where the host finds them. */
const ownMounts = Effect.fnUntraced(function* (host: HostCall, planFile: string) {
  const fs = yield* FileSystem.FileSystem
  const folder = folderOf(host.script)
  const inCheckout = yield* Effect.orElseSucceed(fs.exists(`${folder}/host`), () => false)
  return [
    { from: host.bun.command, at: `${inside}/bun` },
    ...[...host.bun.args, host.script].filter(isPath).map(inBin),
    ...(inCheckout ? checkoutFolders : []).map((part) => ({
      from: `${folder}/${part}`,
      at: `${inside}/${part.startsWith("../") ? part.slice(3) : `bin/${part}`}`,
    })),
    { from: planFile, at: `${inside}/plan.json` },
    { from: host.socketPath, at: `${inside}/socket` },
  ] satisfies ReadonlyArray<Mount>
})

/** Of Bun's arguments, those that name a file. */
const isPath = (argument: string): boolean => argument.startsWith("/")

/** The host's command line, as it is in the sandbox. */
const commandIn = ({ bun, script }: HostCall): Sandbox["command"] => [
  `${inside}/bun`,
  ...[...bun.args, script].map((argument) => (isPath(argument) ? inBin(argument).at : argument)),
  `${inside}/plan.json`,
  `${inside}/socket`,
]

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
    const letIn = executor.env.flatMap((name) => {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      return value === undefined ? [] : [[name, value] as const]
    })
    const sandbox: Sandbox = {
      executor,
      cwd: plan.invocation.cwd,
      folders: view.folders,
      mounts: [...view.mounts, ...(yield* ownMounts(host, planFile))],
      hidden: view.hidden,
      command: commandIn(host),
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
  const cleanUp = Effect.provideService(removeContainer({ executor, runId }), Processes, yield* Processes)
  return { name: executor.name, wrap, exitOf, lockedIn: true, cleanUp } satisfies Executor
})
