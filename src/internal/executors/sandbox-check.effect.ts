/**
 * Checks at submit that the sandbox of a run can be created, and that its program can read only the files it is allowed to.
 */
import { Effect, Path } from "effect"
import { ChildProcess } from "effect/process"
import { ConfigError, ProgramError } from "../../domain/error.schema.ts"
import type { DraftPlan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import { configName } from "../config/config-lookup.effect.ts"
import { Settings } from "../config/settings.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { formatExit } from "../process/started-process.ts"
import { describeReason, pathExists } from "../files/files.effect.ts"
import { buildProbeArgs } from "./bubblewrap.ts"
import { isWithin } from "./sandbox.ts"
import { listAncestors } from "./sandbox-view.effect.ts"

const refuse = ({ name }: PlanVmExecutor, message: string, hint?: string) =>
  new ConfigError({ message: `executor ${name}: ${message}`, hint })

const explainProbe = (problem: string): string =>
  problem.includes("Unknown option")
    ? "mill requires bubblewrap 0.8 or later"
    : "unprivileged user namespaces are probably disabled; check the sysctls kernel.unprivileged_userns_clone (1 allows them), kernel.apparmor_restrict_unprivileged_userns (0 allows them) and user.max_user_namespaces, or use docker or podman"

/** Creates a sandbox around a trivial command, which takes milliseconds and reports problems early. */
const probe = Effect.fnUntraced(function* (executor: PlanVmExecutor) {
  const { bun } = yield* Settings
  const { run } = yield* Processes
  const command = ChildProcess.make(executor.command, buildProbeArgs([bun.command, "--version"]), {
    env: bun.env,
    extendEnv: true,
    detached: false,
    stdin: "ignore",
    stdout: "ignore",
  })
  const { exit, stderr } = yield* Effect.mapError(run(command), (error) =>
    refuse(executor, `cannot start ${executor.command}: ${describeReason(error)}`),
  )
  if (exit._tag === "Code" && exit.code === 0) return
  const why = stderr.trim() || `${executor.command} failed without an error message (${formatExit(exit)})`
  return yield* refuse(
    executor,
    `bubblewrap cannot create a sandbox on this machine: ${why}`,
    explainProbe(why),
  )
})

/** Paths that would expose everything, or hide files that the sandbox needs. */
const unshowable = ["/", "/tmp", "/run", "/proc", "/dev"]

const checkReadable = Effect.fnUntraced(function* (executor: PlanVmExecutor) {
  for (const path of executor.readable) {
    if (unshowable.includes(path)) {
      return yield* refuse(
        executor,
        `readable: ${path} is not allowed`,
        "list the directories in it that the program needs",
      )
    }
    if (!(yield* pathExists(path))) {
      return yield* refuse(
        executor,
        `readable: ${path} does not exist`,
        "paths are relative to the directory that contains the configuration file",
      )
    }
  }
})

/** A directory that contains one of these is the root of a project. */
const projectMarks = [".git", ".jj", configName]

/** Finds the root of the program's project: the program's own directory when none is marked. */
const findProject = Effect.fnUntraced(function* (programPath: string) {
  const paths = yield* Path.Path
  const own = paths.dirname(programPath)
  for (const folder of listAncestors(own, paths)) {
    for (const mark of projectMarks) if (yield* pathExists(paths.join(folder, mark))) return folder
  }
  return own
})

/**
 * Imports are read at submit, outside the sandbox. So they may name only files in the program's project that are not hidden
 * (as `.env` is).
 */
const checkImports = Effect.fnUntraced(function* (plan: DraftPlan, { name, readable }: PlanVmExecutor) {
  const project = yield* findProject(plan.programPath)
  const isHidden = (path: string) => path.slice(project.length).includes("/.")
  const isAllowed = (path: string) =>
    (isWithin(path, project) && !isHidden(path)) || readable.some((folder) => isWithin(path, folder))
  const imported = plan.program.flatMap(({ imports = {}, path }) => [path, ...Object.values(imports)])
  const bad = imported.find((path) => path !== plan.programPath && path.startsWith("/") && !isAllowed(path))
  if (bad !== undefined) {
    return yield* new ProgramError({
      path: plan.programPath,
      message: `the program imports ${bad}, which executor ${name} does not allow it to read`,
      hint: `the program can import any file in ${project} that is not hidden; to allow other files, add their paths to the executor's "readable" list`,
    })
  }
})

/** Fails when the plan's program cannot run in its sandbox, or could read more than it is allowed to. */
export const checkSandbox = Effect.fn("Sandbox.check")(function* (plan: DraftPlan) {
  const { executor } = plan
  if (executor.type === "direct") return
  yield* checkReadable(executor)
  yield* checkImports(plan, executor)
  if (executor.runtime === "bubblewrap") yield* probe(executor)
})
