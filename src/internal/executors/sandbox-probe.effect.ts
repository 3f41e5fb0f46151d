/**
 * Checks that a sandbox works before a run starts: mill's own Bun prints its version in the sandbox. The check takes
 * milliseconds with bubblewrap. With docker and podman, it takes as long as starting a container, and downloads a missing image.
 */
import { Effect, Option } from "effect"
import { ChildProcess } from "effect/process"
import { ConfigError } from "../../domain/error.schema.ts"
import type { PlanVmExecutor } from "../../domain/plan.schema.ts"
import { Settings } from "../config/settings.effect.ts"
import { describeReason } from "../files/files.effect.ts"
import { Processes } from "../process/processes.effect.ts"
import { formatExit } from "../process/started-process.ts"
import { buildProbeArgs } from "./bubblewrap.ts"
import { buildContainerArgs } from "./container.effect.ts"
import { inside, scratch } from "./sandbox.ts"

/** How long a probe may take. Downloading an image can take minutes. */
const patience = "10 minutes"

type Runtime = PlanVmExecutor["runtime"]

const explainBubblewrap = (problem: string): string =>
  problem.includes("Unknown option")
    ? "mill requires bubblewrap 0.8 or later"
    : "unprivileged user namespaces are probably disabled; check the sysctls kernel.unprivileged_userns_clone (1 allows them), kernel.apparmor_restrict_unprivileged_userns (0 allows them) and user.max_user_namespaces, or use docker or podman"

/**
 * What to do about the problems of docker and podman, by their messages (Docker 20 to 28, podman 4, crun and runc 1). The
 * first match counts.
 */
const containerHints: ReadonlyArray<
  readonly [RegExp, (runtime: Runtime, executor: PlanVmExecutor) => string]
> = [
  [
    /permission denied.*(?:daemon socket|docker API)/i,
    () => "allow your user to connect to the Docker daemon: usermod -aG docker <user>, then log in again",
  ],
  [
    /cannot connect to|failed to connect to|daemon running|connection refused/i,
    (runtime) =>
      runtime === "docker"
        ? "start the Docker daemon, for example with systemctl start docker, or use bubblewrap or podman"
        : "start the podman machine or service that podman system connection list shows",
  ],
  [
    /no such file or directory|exec format error|not found in \$PATH/i,
    (_, { image }) =>
      `${image} probably cannot run mill's Bun: the image must contain glibc (Alpine does not) and match this machine's CPU architecture`,
  ],
  [
    /pull|manifest|initializing source|short-name|registry|no such host|no such image/i,
    (_, { command, image }) => `check the name of the image, or pull it with ${command} pull ${image}`,
  ],
]

const explainContainer = (problem: string, executor: PlanVmExecutor): string => {
  const { command, image, runtime } = executor
  const [, explain] = containerHints.find(([pattern]) => pattern.test(problem)) ?? []
  return (
    explain?.(runtime, executor) ??
    `try ${command} run --rm ${image} true; when it works, mill can use ${runtime}`
  )
}

/** Picks the line that says what went wrong: the last one, before docker's advice to read its help. */
const pickProblem = (stderr: string): string =>
  stderr
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "" && !/^(?:Run|See) '/.test(line)) ?? ""

/** The arguments that print Bun's version in a container with the executor's limits. It has no name, as no run owns it. */
const buildContainerProbe = Effect.fnUntraced(function* (executor: PlanVmExecutor) {
  const { bun, groupId, userId } = yield* Settings
  return buildContainerArgs(undefined, {
    executor,
    cwd: "/",
    folders: [],
    hidden: [],
    mounts: [{ from: bun.command, at: `${inside}/bun` }],
    command: [`${inside}/bun`, "--version"],
    openEnv: { HOME: scratch, ...bun.env },
    secretEnv: {},
    userId,
    groupId,
  })
})

/** Fails when the executor's runtime cannot run a command in a sandbox, with the runtime's reason and what to do about it. */
export const probeSandbox = Effect.fn("Sandbox.probe")(function* (executor: PlanVmExecutor) {
  const { bun } = yield* Settings
  const { run } = yield* Processes
  const { command, name, runtime } = executor
  const isContainer = runtime !== "bubblewrap"
  const refuse = (problem: string, hint?: string) =>
    new ConfigError({ message: `executor ${name}: ${problem}`, hint })
  const args = isContainer ? yield* buildContainerProbe(executor) : buildProbeArgs([bun.command, "--version"])
  const child = ChildProcess.make(command, args, {
    env: isContainer ? {} : bun.env,
    extendEnv: true,
    detached: false,
    stdin: "ignore",
    stdout: "ignore",
  })
  const finished = yield* run(child).pipe(
    Effect.mapError((error) => refuse(`cannot start ${command}: ${describeReason(error)}`)),
    Effect.timeoutOption(patience),
  )
  const what = isContainer ? "run a container" : "create a sandbox"
  if (Option.isNone(finished)) {
    return yield* refuse(`${runtime} did not ${what} within ${patience}`, explainContainer("", executor))
  }
  const { exit, stderr } = finished.value
  if (exit._tag === "Code" && exit.code === 0) return
  const printed = isContainer ? pickProblem(stderr) : stderr.trim()
  const problem = printed || `${command} failed without an error message (${formatExit(exit)})`
  return yield* refuse(
    `${runtime} cannot ${what} on this machine: ${problem}`,
    isContainer ? explainContainer(problem, executor) : explainBubblewrap(problem),
  )
})
