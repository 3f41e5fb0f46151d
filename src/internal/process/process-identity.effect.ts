/**
 * Which process is meant by a pid that was written down. A pid alone may have been given to another process since; the
 * pid together with the start time has not. On Linux the start time is read from /proc (clock ticks since boot, with
 * the boot's id); elsewhere it is what `ps -o lstart=` prints (whole seconds).
 */
import { Effect, FileSystem, Schema } from "effect"
import { ChildProcess } from "effect/process"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

/** A process that was alive when this was taken. */
export const ProcessIdentity = Schema.Struct({ pid: Schema.Int, startTime: Schema.String })
export type ProcessIdentity = typeof ProcessIdentity.Type

/** The identity of a live process, or nothing when there is none with this pid (a zombie is none). */
export const identify = Effect.fnUntraced(
  function* (pid: number) {
    const fs = yield* FileSystem.FileSystem
    const stat = yield* Effect.option(fs.readFileString(`/proc/${pid}/stat`))
    if (stat._tag === "Some") return fromStat(pid, stat.value, yield* bootId)
    return (yield* fs.exists("/proc/self/stat")) ? undefined : yield* fromPs(pid)
  },
  Effect.orElseSucceed(() => undefined),
)

/** Whether the very process that `identity` names is alive. */
export const isAlive = (identity: ProcessIdentity) =>
  Effect.map(identify(identity.pid), (found) => found?.startTime === identity.startTime)

/** It stays the same as long as this process lives. */
let knownBootId: string | undefined

const bootId = Effect.gen(function* () {
  if (knownBootId !== undefined) return knownBootId
  const fs = yield* FileSystem.FileSystem
  knownBootId = (yield* fs.readFileString("/proc/sys/kernel/random/boot_id")).trim()
  return knownBootId
}).pipe(Effect.orElseSucceed(() => "boot"))

/** Fields of /proc/<pid>/stat after the command's name, which may hold anything: 0 is the state, 19 the start time. */
const fromStat = (pid: number, stat: string, boot: string): ProcessIdentity | undefined => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const state = fields[0]
  const ticks = fields[19]
  return state === undefined || state === "Z" || state === "X" || ticks === undefined
    ? undefined
    : { pid, startTime: `${boot}:${ticks}` }
}

const fromPs = Effect.fnUntraced(function* (pid: number) {
  const spawner = yield* ChildProcessSpawner
  const started = yield* spawner.string(
    ChildProcess.make("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      env: { LC_ALL: "C" },
      extendEnv: true,
    }),
  )
  const text = started.trim()
  return text === "" || text.startsWith("Z") ? undefined : { pid, startTime: text.replace(/^\S+\s+/, "") }
})
