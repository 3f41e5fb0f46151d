/** Finds and describes the processes of a run that could not be ended. The descriptions come from /proc (see proc(5)). */
import { Effect, FileSystem, Schedule } from "effect"
import type { LeftProcess } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { Finders } from "./find-processes.effect.ts"
import { parseStat, parseUserId } from "./proc-files.ts"
import type { ProcessIdentity } from "./process-identity.schema.ts"

/** The most characters of a command line in a description. */
const commandLimit = 80

const explain = (state: string | undefined, owner: number | undefined, user: number | undefined): string => {
  if (owner !== undefined && owner !== user) return `belongs to user ${owner}`
  if (state === "D") return "is blocked in the kernel"
  return state === "T" || state === "t" ? "is stopped" : "is still running"
}

/** The methods of `Processes` that look for what is left. `self` is the process that looks. */
export const makeLeftFinders = Effect.fnUntraced(function* (
  { findInGroups, findMarked, identify, isGroupAlive }: Finders,
  self: number,
) {
  const fs = yield* FileSystem.FileSystem
  const read = (path: string) => Effect.orElseSucceed(fs.readFileString(path), () => "")

  const describeLeft = Effect.fn("Processes.describeLeft")(function* (pid: number) {
    const stat = yield* read(`/proc/${pid}/stat`)
    const { isZombie, state } = parseStat(stat)
    if (isZombie || (stat === "" && (yield* identify(pid)) === undefined)) return undefined
    const user = parseUserId(yield* read("/proc/self/status"))
    const owner = parseUserId(yield* read(`/proc/${pid}/status`))
    const words = (yield* read(`/proc/${pid}/cmdline`)).split("\0").join(" ").trim()
    const command = words.length > commandLimit ? `${words.slice(0, commandLimit)}…` : words
    return { pid, command, reason: explain(state, owner, user) } satisfies LeftProcess
  })

  /** Looks again while some process could not be read. */
  const settled = <A extends { readonly isComplete: boolean } | undefined>(found: Effect.Effect<A>) =>
    Effect.repeat(found, {
      until: (result) => result?.isComplete !== false,
      schedule: Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(50)]),
    })

  const findLeft = Effect.fn("Processes.findLeft")(function* (
    runId: RunId,
    leaders: ReadonlyArray<ProcessIdentity>,
  ) {
    const groups = new Set<number>()
    for (const { pid, startTime } of leaders) {
      const found = yield* identify(pid)
      // As long as a group has members, no other process gets the pid of its leader.
      if (found === undefined || found.startTime === startTime) groups.add(pid)
    }
    const marked = (yield* settled(findMarked(runId)))?.pids ?? []
    const grouped = groups.size === 0 ? [] : (yield* settled(findInGroups(groups)))?.pids
    const pids = new Set([
      ...marked,
      ...(grouped ?? (yield* Effect.filter([...groups], isGroupAlive, { concurrency: 16 }))),
    ])
    pids.delete(self)
    const left = yield* Effect.forEach([...pids], describeLeft, { concurrency: 16 })
    return left.filter((process) => process !== undefined)
  })
  return { describeLeft, findLeft }
})
