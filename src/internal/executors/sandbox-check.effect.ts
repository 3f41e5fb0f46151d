/** What is found out of a sandbox before a run that is to have one: whether it can be made, and whether it would hold. */
import { Effect, FileSystem } from "effect"
import { ChildProcess } from "effect/process"
import { ConfigError, ProgramError } from "../../domain/error.schema.ts"
import type { DraftPlan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import { configName } from "../config/config-lookup.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { formatExit } from "../process/started-process.ts"
import { describeReason } from "../files/files.effect.ts"
import { probeArgs } from "./bubblewrap.ts"
import { liesIn } from "./sandbox.ts"
import { folderOf, upward } from "./sandbox-view.effect.ts"

const refused = ({ name }: PlanVmExecutor, message: string, hint?: string) =>
  new ConfigError({ message: `executor ${name}: ${message}`, ...(hint === undefined ? {} : { hint }) })

const probeHint = (said: string): string =>
  said.includes("Unknown option")
    ? "bubblewrap 0.8 or later is needed"
    : "unprivileged user namespaces are probably switched off: see the sysctls kernel.unprivileged_userns_clone (1 allows them), kernel.apparmor_restrict_unprivileged_userns (0 does) and user.max_user_namespaces; or use docker or podman"

/** Makes a sandbox around a command that does nothing: some milliseconds, and an answer that can be understood. */
const probe = Effect.fnUntraced(function* (executor: PlanVmExecutor) {
  const { bun } = yield* Settings
  const { run } = yield* Processes
  const command = ChildProcess.make(executor.command, probeArgs([bun.command, "--version"]), {
    env: bun.env,
    extendEnv: true,
    detached: false,
    stdin: "ignore",
    stdout: "ignore",
  })
  const { exit, stderr } = yield* Effect.mapError(run(command), (error) =>
    refused(executor, `cannot start ${executor.command}: ${describeReason(error)}`),
  )
  if (exit._tag === "Code" && exit.code === 0) return
  const why = stderr.trim() || `${executor.command} failed without an error message (${formatExit(exit)})`
  return yield* refused(executor, `bubblewrap cannot make a sandbox here: ${why}`, probeHint(why))
})

/** What would show everything, or lies over what the sandbox needs. */
const unshowable = ["/", "/tmp", "/run", "/proc", "/dev"]

const checkReadable = Effect.fnUntraced(function* (executor: PlanVmExecutor) {
  const fs = yield* FileSystem.FileSystem
  for (const path of executor.readable) {
    if (unshowable.includes(path)) {
      return yield* refused(executor, `${path} cannot be readable as a whole`, "name folders in it")
    }
    if (!(yield* Effect.orElseSucceed(fs.exists(path), () => false))) {
      return yield* refused(
        executor,
        `readable: ${path} is not there`,
        "paths are meant from the configuration's folder",
      )
    }
  }
})

/** What the folder of a project holds. */
const projectMarks = [".git", ".jj", configName]

/** The folder of the project that a program belongs to; the program's own where nothing marks one. */
const projectOf = Effect.fnUntraced(function* (programPath: string) {
  const fs = yield* FileSystem.FileSystem
  const own = folderOf(programPath)
  for (const folder of upward(own)) {
    for (const mark of projectMarks) {
      if (yield* Effect.orElseSucceed(fs.exists(`${folder}/${mark}`), () => false)) return folder
    }
  }
  return own
})

/**
 * An import is read at submit, outside of any sandbox. So it may name only what the program's project holds, and
 * nothing hidden in it, such as `.env`.
 */
const checkImports = Effect.fnUntraced(function* (plan: DraftPlan, { name, readable }: PlanVmExecutor) {
  const project = yield* projectOf(plan.programPath)
  const hidden = (path: string) => path.slice(project.length).includes("/.")
  const allowed = (path: string) =>
    (liesIn(path, project) && !hidden(path)) || readable.some((folder) => liesIn(path, folder))
  const imported = plan.program.flatMap(({ imports = {}, path }) => [path, ...Object.values(imports)])
  const bad = imported.find((path) => path !== plan.programPath && path.startsWith("/") && !allowed(path))
  if (bad !== undefined) {
    return yield* new ProgramError({
      path: plan.programPath,
      message: `the program imports ${bad}, which it may not read in executor ${name}`,
      hint: `it may import what is in ${project}, unless it is hidden; "readable" of the executor allows more`,
    })
  }
})

/** Fails where the plan's program cannot be run in the sandbox that the plan says, or could read more than it should. */
export const checkSandbox = Effect.fn("Sandbox.check")(function* (plan: DraftPlan) {
  const { executor } = plan
  if (executor.type === "direct") return
  yield* checkReadable(executor)
  yield* checkImports(plan, executor)
  if (executor.runtime === "bubblewrap") yield* probe(executor)
})
