/**
 * Finds processes by pid, group or environment.
 *
 * Groups and environments are read from /proc, which only Linux has. Elsewhere a group lives as long as it can be
 * signalled, and no process is found by its environment.
 */
import { Effect, FileSystem } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import { readSystemCode } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import { isMarked, parseStat } from "./proc-files.ts"
import type { ProcessIdentity } from "./process-identity.schema.ts"
import type { CommandOutput } from "./started-process.ts"

const decoder = new TextDecoder()

/** The maximum number of times that one search lists the processes: other programs may keep starting new ones. */
const maxLooks = 20

/** The errors of a process that has exited, or whose files only its user may read. Any other error says nothing about it. */
const isAbsent = ({ reason }: PlatformError): boolean =>
  ["ENOENT", "ESRCH"].includes(readSystemCode(reason.cause) ?? "")
const isDenied = ({ reason }: PlatformError): boolean =>
  ["EACCES", "EPERM"].includes(readSystemCode(reason.cause) ?? "")

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

  const lookUp = Effect.fnUntraced(function* (
    pid: number,
  ): Effect.fn.Return<ProcessIdentity | undefined, PlatformError> {
    const stat = yield* fs
      .readFileString(`/proc/${pid}/stat`)
      .pipe(Effect.catchIf(isAbsent, () => Effect.undefined))
    if (stat === undefined) {
      return (yield* fs.exists("/proc/self/stat")) ? undefined : yield* identifyByPs(pid)
    }
    const { isZombie, startTicks } = parseStat(stat)
    if (isZombie || startTicks === undefined) return undefined
    return { pid, startTime: `${yield* bootId}:${startTicks}` }
  })

  const identify = Effect.fn("Processes.identify")((pid: number) =>
    Effect.orElseSucceed(lookUp(pid), () => undefined),
  )

  // A failed lookup, for example for lack of file descriptors, does not mean that the process is dead.
  const isAlive = (identity: ProcessIdentity) =>
    lookUp(identity.pid).pipe(
      Effect.map((found) => found?.startTime === identity.startTime),
      Effect.orElseSucceed(() => true),
    )

  /**
   * The processes whose file `name` in /proc satisfies the predicate; `undefined` where there is no /proc. Incomplete if a file
   * could not be read, unless its process has exited or belongs to another user.
   */
  const findInProc = Effect.fnUntraced(function* (name: string, matches: (contents: string) => boolean) {
    if (!(yield* Effect.orElseSucceed(fs.exists("/proc/self/stat"), () => true))) return undefined
    let isComplete = true
    const giveUp = Effect.sync(() => {
      isComplete = false
      return false
    })
    const seen = new Set<string>()
    const pids: Array<number> = []
    // A process may start another one and exit before its own file is read: look for new ones until there are none.
    for (let look = 0; look < maxLooks; look += 1) {
      const entries = yield* fs.readDirectory("/proc").pipe(Effect.catch(() => Effect.as(giveUp, [])))
      const added = entries.filter((entry) => /^\d+$/.test(entry) && !seen.has(entry))
      if (added.length === 0) return { pids, isComplete }
      for (const entry of added) seen.add(entry)
      const found = yield* Effect.filter(
        added,
        (entry) =>
          fs.readFile(`/proc/${entry}/${name}`).pipe(
            Effect.map((bytes) => matches(decoder.decode(bytes))),
            Effect.catch((error) => (isAbsent(error) || isDenied(error) ? Effect.succeed(false) : giveUp)),
          ),
        { concurrency: 16 },
      )
      pids.push(...found.map(Number))
    }
    return { pids, isComplete: false }
  })

  /** The members of process groups that are not zombies. */
  const findInGroups = (groups: ReadonlySet<number>) =>
    findInProc("stat", (stat) => {
      const member = parseStat(stat)
      return groups.has(Number(member.group)) && !member.isZombie
    })

  /** Whether the process group has a member that is not a zombie. */
  const isGroupAlive = Effect.fnUntraced(function* (group: number) {
    if (!(yield* canSignal(-group))) return false
    const members = yield* findInGroups(new Set([group]))
    return members === undefined || members.pids.length > 0 || !members.isComplete
  })

  const findMarked = (runId: RunId) =>
    Effect.map(
      findInProc("environ", (environ) => isMarked(environ, runId)),
      (found) => found ?? { pids: [], isComplete: true },
    )

  return { identify, isAlive, isGroupAlive, findInGroups, findMarked }
})
export type Finders = Effect.Success<ReturnType<typeof makeFinders>>
