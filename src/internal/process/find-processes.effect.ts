/**
 * Finds processes by pid, group or environment.
 *
 * Groups and environments are read from /proc, which only Linux has. Elsewhere a group lives as long as it can be
 * signalled, and no process is found by its environment.
 */
import { Effect, FileSystem } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import type { RunId } from "../../domain/ids.schema.ts"
import { isMarked, parseStat } from "./proc-files.ts"
import type { ProcessIdentity } from "./process-identity.schema.ts"
import type { CommandOutput } from "./started-process.ts"

const decoder = new TextDecoder()

/** The methods of `Processes` that find processes. `run` runs a command, `canSignal` sends signal 0. */
export const makeFinders = Effect.fnUntraced(function* (
  run: (command: ChildProcess.Command) => Effect.Effect<CommandOutput, PlatformError>,
  canSignal: (pid: number) => Effect.Effect<boolean>,
) {
  const fs = yield* FileSystem.FileSystem

  const bootId = yield* Effect.cached(
    fs.readFileString("/proc/sys/kernel/random/boot_id").pipe(
      Effect.map((id) => id.trim()),
      Effect.orElseSucceed(() => "boot"),
    ),
  )

  const identifyByPs = Effect.fnUntraced(function* (pid: number) {
    const { stdout } = yield* run(
      ChildProcess.make("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
        env: { LC_ALL: "C" },
        extendEnv: true,
        stdin: "ignore",
      }),
    )
    const text = stdout.trim()
    return text === "" || text.startsWith("Z") ? undefined : { pid, startTime: text.replace(/^\S+\s+/, "") }
  })

  const identify = Effect.fn("Processes.identify")(
    function* (pid: number): Effect.fn.Return<ProcessIdentity | undefined, PlatformError> {
      const stat = yield* Effect.option(fs.readFileString(`/proc/${pid}/stat`))
      if (stat._tag === "None") {
        return (yield* fs.exists("/proc/self/stat")) ? undefined : yield* identifyByPs(pid)
      }
      const { isZombie, startTicks } = parseStat(stat.value)
      if (isZombie || startTicks === undefined) return undefined
      return { pid, startTime: `${yield* bootId}:${startTicks}` }
    },
    Effect.orElseSucceed(() => undefined),
  )

  const isAlive = (identity: ProcessIdentity) =>
    Effect.map(identify(identity.pid), (found) => found?.startTime === identity.startTime)

  /** The processes whose file `name` in /proc satisfies the predicate; `undefined` where there is no /proc. */
  const findInProc = Effect.fnUntraced(function* (name: string, matches: (contents: string) => boolean) {
    const entries = yield* Effect.option(fs.readDirectory("/proc"))
    if (entries._tag === "None") return undefined
    const found = yield* Effect.filter(
      entries.value.filter((entry) => /^\d+$/.test(entry)),
      (entry) =>
        fs.readFile(`/proc/${entry}/${name}`).pipe(
          Effect.map((bytes) => matches(decoder.decode(bytes))),
          Effect.orElseSucceed(() => false),
        ),
      { concurrency: 16 },
    )
    return found.map(Number)
  })

  /** Whether the process group has a member that is not a zombie. */
  const isGroupAlive = Effect.fnUntraced(function* (group: number) {
    if (!(yield* canSignal(-group))) return false
    const members = yield* findInProc("stat", (stat) => {
      const member = parseStat(stat)
      return member.group === String(group) && !member.isZombie
    })
    return members === undefined || members.length > 0
  })

  const findMarked = (runId: RunId) =>
    Effect.map(
      findInProc("environ", (environ) => isMarked(environ, runId)),
      (pids = []) => pids,
    )

  return { identify, isAlive, isGroupAlive, findMarked }
})
export type Finders = Effect.Success<ReturnType<typeof makeFinders>>
