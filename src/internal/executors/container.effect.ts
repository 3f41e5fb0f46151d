/**
 * The command lines of docker and podman. The host's own Bun runs in the container, so the image needs nothing but
 * glibc. What they print is handed on and kept by neither.
 */
import { Effect } from "effect"
import { ChildProcess } from "effect/process"
import type { RunId } from "../../domain/ids.schema.ts"
import type { PlanExecutor } from "../../domain/plan.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { liesIn, type Sandbox, scratch } from "./sandbox.ts"

/** How long the removal of a container may take. */
const removalPatience = "30 seconds"

/** What the container of a run is called. */
export const containerName = (runId: RunId): string => `mill-${runId}`

/** A field of `--mount`, whose value is a line of CSV. */
const field = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** An option for each, such as `--env A --env B`. */
const each = (option: string, values: ReadonlyArray<string>): ReadonlyArray<string> =>
  values.flatMap((value) => [option, value])

export const containerArgs = (runId: RunId, sandbox: Sandbox): ReadonlyArray<string> => {
  const { executor, userId } = sandbox
  const [program, ...args] = sandbox.command
  const { image = "", memory, processes } = executor
  const empty = [
    ...(sandbox.folders.some((folder) => liesIn(sandbox.cwd, folder)) ? [sandbox.cwd] : []),
    ...sandbox.hidden,
  ]
  return [
    "run",
    "--rm",
    "--init",
    "--name",
    containerName(runId),
    "--network",
    "none",
    "--read-only",
    "--cap-drop",
    "ALL",
    ...each("--security-opt", ["no-new-privileges", "label=disable"]),
    "--log-driver",
    "none",
    "--user",
    `${userId}:${sandbox.groupId}`,
    // Where no root is behind it, users are others in a container, unless they are to be the same.
    ...(executor.runtime === "podman" && userId !== 0 ? ["--userns", "keep-id"] : []),
    // As much with swap as without.
    ...(memory === undefined ? [] : ["--memory", `${memory}m`, "--memory-swap", `${memory}m`]),
    ...(processes === undefined ? [] : ["--pids-limit", String(processes)]),
    "--tmpfs",
    scratch,
    ...each(
      "--mount",
      empty.map((folder) => `type=tmpfs,${field(`dst=${folder}`)}`),
    ),
    ...each(
      "--mount",
      sandbox.mounts.map(
        ({ at, from }) => `type=bind,${field(`src=${from}`)},${field(`dst=${at}`)},readonly`,
      ),
    ),
    ...each(
      "--env",
      Object.entries(sandbox.openEnv).map(([name, value]) => `${name}=${value}`),
    ),
    ...each("--env", Object.keys(sandbox.secretEnv)),
    "--workdir",
    sandbox.cwd,
    "--entrypoint",
    program,
    image,
    ...args,
  ]
}

/** Removes the run's container, if it has one and it is still there. */
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
