/**
 * The command lines of docker and podman. Mill's own Bun runs in the container, so any image with glibc works. Neither
 * runtime keeps a log of the output.
 */
import { Effect } from "effect"
import { ChildProcess } from "effect/process"
import type { RunId } from "../../domain/ids.schema.ts"
import type { PlanExecutor } from "../../domain/plan.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { isWithin, type Sandbox, scratch } from "./sandbox.ts"

/** How long the removal of a container may take. */
const removalPatience = "30 seconds"

export const containerName = (runId: RunId): string => `mill-${runId}`

/** Quotes a field of `--mount`, whose value is a line of CSV. */
const quoteField = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Repeats an option for each value, such as `--env A --env B`. */
const repeatOption = (option: string, values: ReadonlyArray<string>): ReadonlyArray<string> =>
  values.flatMap((value) => [option, value])

/** The arguments that run a sandbox's command in a container, which is named after its run if it has one. */
export const buildContainerArgs = (runId: RunId | undefined, sandbox: Sandbox): ReadonlyArray<string> => {
  const { executor, userId } = sandbox
  const [program, ...args] = sandbox.command
  const { image = "", memory, processes } = executor
  const empty = [
    ...(sandbox.folders.some((folder) => isWithin(sandbox.cwd, folder)) ? [sandbox.cwd] : []),
    ...sandbox.hidden,
  ]
  return [
    "run",
    "--rm",
    "--init",
    ...(runId === undefined ? [] : ["--name", containerName(runId)]),
    "--network",
    "none",
    "--read-only",
    "--cap-drop",
    "ALL",
    ...repeatOption("--security-opt", ["no-new-privileges", "label=disable"]),
    "--log-driver",
    "none",
    "--user",
    `${userId}:${sandbox.groupId}`,
    // Rootless podman maps user ids to others, unless it keeps the id.
    ...(executor.runtime === "podman" && userId !== 0 ? ["--userns", "keep-id"] : []),
    // The same limit with swap, so that there is no swap.
    ...(memory === undefined ? [] : ["--memory", `${memory}m`, "--memory-swap", `${memory}m`]),
    ...(processes === undefined ? [] : ["--pids-limit", String(processes)]),
    "--tmpfs",
    scratch,
    ...repeatOption(
      "--mount",
      empty.map((folder) => `type=tmpfs,${quoteField(`dst=${folder}`)},ro`),
    ),
    ...repeatOption(
      "--mount",
      sandbox.mounts.map(
        ({ at, from }) => `type=bind,${quoteField(`src=${from}`)},${quoteField(`dst=${at}`)},readonly`,
      ),
    ),
    ...repeatOption(
      "--env",
      Object.entries(sandbox.openEnv).map(([name, value]) => `${name}=${value}`),
    ),
    ...repeatOption("--env", Object.keys(sandbox.secretEnv)),
    "--workdir",
    sandbox.cwd,
    "--entrypoint",
    program,
    image,
    ...args,
  ]
}

/** Removes the run's container if there is one. */
export const removeContainer = Effect.fn("Container.remove")(function* ({
  executor,
  runId,
}: {
  readonly executor: PlanExecutor
  readonly runId: RunId
}) {
  if (executor.type !== "vm" || executor.runtime === "bubblewrap") return
  const { run } = yield* Processes
  const command = ChildProcess.make(executor.command, ["rm", "--force", containerName(runId)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  })
  yield* run(command).pipe(Effect.timeoutOption(removalPatience), Effect.ignore)
})
