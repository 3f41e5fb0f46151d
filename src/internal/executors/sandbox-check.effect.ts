/**
 * Checks at submit that the sandbox of a run can be created, and that its program can read only the files it is allowed to.
 */
import { Effect, Path } from "effect"
import { ConfigError, ProgramError } from "../../domain/error.schema.ts"
import type { DraftPlan, PlanVmExecutor } from "../../domain/plan.schema.ts"
import { configName } from "../config/config-lookup.effect.ts"
import { pathExists } from "../files/files.effect.ts"
import { isWithin } from "./sandbox.ts"
import { probeSandbox } from "./sandbox-probe.effect.ts"
import { listAncestors } from "./sandbox-view.effect.ts"

const refuse = ({ name }: PlanVmExecutor, message: string, hint?: string) =>
  new ConfigError({ message: `executor ${name}: ${message}`, hint })

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
  yield* probeSandbox(executor)
})
