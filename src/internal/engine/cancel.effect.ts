/**
 * Cancels a run from any process. The run's worker is asked to end the program and the agents and to record the end; a
 * worker that does not finish in time is killed, and its run is settled here. Nested runs are cancelled too. A run that
 * has already ended keeps its status. Every step has a time limit. Processes that are left at the end are an error.
 */
import { Duration, Effect, Schedule, type Scope } from "effect"
import { defined } from "../../domain/defined.ts"
import type { Cancellation } from "../../domain/engine.schema.ts"
import { CancelIncomplete, type LeftProcess, type LogError } from "../../domain/error.schema.ts"
import type { RunId } from "../../domain/ids.schema.ts"
import type { Plan } from "../../domain/plan.schema.ts"
import { isTerminalStatus } from "../../domain/run.schema.ts"
import { Processes } from "../process/processes.effect.ts"
import { readLastOwner } from "../store/owner-lock.effect.ts"
import { readRecord } from "../store/run-record.effect.ts"
import { RunStore } from "../store/run-store.effect.ts"
import { reachWorker } from "./reach-worker.effect.ts"
import { endLeft, reconcileRun, readLaunchedProcess, refuseOlder, takeOver } from "./reconcile.effect.ts"
import { waitForEnd } from "./wait.effect.ts"

/** How long a worker may take, beyond the grace periods, to record the end of the run. */
const endTimeout = Duration.seconds(5)

/** How long a worker may take to die when it is killed. */
const killTimeout = Duration.seconds(5)

/** How long a worker may take to answer. */
const answerTimeout = Duration.seconds(2)

/** How long another process may take to settle the run: 10 seconds. */
const settlePatience = Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(100)])

/** What a caller asks for. `timeout` replaces the time that a run has to end before it is killed. */
export type CancelOptions = {
  readonly reason?: string | undefined
  readonly timeout?: Duration.Duration | undefined
}

/** `left` has the processes of the run, and of the runs inside it, that could not be ended. */
type Outcome = Cancellation & { readonly left: ReadonlyArray<LeftProcess> }

/** The grace periods of a run whose plan is damaged: those of a plan without settings of its own. */
const unknownGrace = Duration.seconds(10)

/** How long the program and then its agents may take to end. */
const sumGrace = ({ driver, limits }: Plan): Duration.Duration => {
  // An HTTP driver closes its connections at once.
  const agentGrace = driver.type === "process" ? driver.cancelGrace : 0
  return Duration.seconds(limits.cancelGrace + Math.max(limits.cancelGrace, agentGrace))
}

/** Finds the live runs that were started inside the run; their ids are newer. */
const findChildren = Effect.fnUntraced(function* (runId: RunId) {
  const store = yield* RunStore
  const newer = (yield* store.names).filter((name) => name > runId)
  const records = yield* Effect.forEach(newer, store.snapshot, { concurrency: 16 })
  return records.flatMap((record) =>
    record?.parentRunId === runId && !isTerminalStatus(record.status) ? [record.id] : [],
  )
})

/** Finds the run's worker, or the process started to become it. None when another owner is settling the run. */
const findWorker = Effect.fnUntraced(function* (runId: RunId) {
  const paths = (yield* RunStore).paths(runId)
  const last = yield* readLastOwner(paths.runDir)
  if (last === undefined) return yield* readLaunchedProcess(paths)
  return last.generation === 1 ? last.identity : undefined
})

/** Kills the run's worker and settles the run. Returns the process that prevents this, if there is one. */
const forceEnd = Effect.fnUntraced(function* (runId: RunId, reason: string | undefined) {
  const processes = yield* Processes
  const describe = Effect.fnUntraced(function* (pid: number, role: string) {
    const found = yield* processes.describeLeft(pid)
    return found === undefined ? [] : [{ ...found, reason: `${role} and ${found.reason}` }]
  })
  const worker = yield* findWorker(runId)
  if (worker !== undefined && (yield* processes.isAlive(worker))) {
    const { config } = yield* (yield* RunStore).plan(runId)
    // Not a process of mill's.
    if (config[0]?.local === true) return yield* describe(worker.pid, "is the script that the run is part of")
    yield* processes.signal(worker.pid, "SIGKILL")
    if (!(yield* processes.awaitGone(worker, killTimeout)))
      return yield* describe(worker.pid, "is the run's worker")
  }
  return yield* takeOver(runId, { type: "run:cancelled", payload: { reason } }).pipe(
    Effect.as<ReadonlyArray<LeftProcess>>([]),
    // A late worker has just taken the run, or another process is settling it.
    Effect.retry({ while: (error) => error._tag === "OwnerExists", schedule: settlePatience }),
    Effect.catchTag("OwnerExists", ({ pid }) => describe(pid, "has not finished cleaning up the run")),
  )
})

/** Cancels the runs that were started inside the run, with a reason that names it. Returns what is left of them. */
export const cancelChildren = Effect.fnUntraced(function* (runId: RunId, timeout?: Duration.Duration) {
  const reason = `its parent ${runId} was cancelled`
  const outcomes = yield* Effect.forEach(
    yield* findChildren(runId),
    (child) => cancelRun(child, { reason, timeout }),
    { concurrency: "unbounded" },
  )
  return outcomes.flatMap(({ left }) => left)
})

const cancelRun: (runId: RunId, options: CancelOptions) => Effect.Effect<Outcome, LogError, CancelNeeds> =
  Effect.fn("Run.cancel")(function* (runId, { reason, timeout }) {
    const store = yield* RunStore
    const before = yield* reconcileRun(runId)
    if (isTerminalStatus(before.status))
      return { run: before, alreadyTerminal: true, left: yield* endLeft(runId) }
    yield* refuseOlder(runId)
    const plan = yield* Effect.option(store.plan(runId))
    const asked = yield* reachWorker(runId).pipe(
      // A worker of an earlier version refuses the null that an undefined reason becomes.
      Effect.flatMap((client) => client.cancel(defined({ reason }))),
      Effect.scoped,
      Effect.timeout(timeout === undefined ? answerTimeout : Duration.min(timeout, answerTimeout)),
      Effect.isSuccess,
    )
    const early = yield* cancelChildren(runId, timeout)
    const grace = plan._tag === "None" ? unknownGrace : sumGrace(plan.value)
    const last = yield* readLastOwner(store.paths(runId).runDir)
    // The first owner is the worker; a later one is already settling the run.
    const isEnding = asked || (last !== undefined && last.generation > 1)
    const timeLimit = isEnding ? (timeout ?? Duration.sum(grace, endTimeout)) : Duration.zero
    const stuck = yield* waitForEnd(runId, timeLimit).pipe(
      Effect.as<ReadonlyArray<LeftProcess>>([]),
      Effect.catchTag("WaitTimeout", () => forceEnd(runId, reason)),
    )
    // A nested run may have started meanwhile; from now on, none can.
    const late = yield* cancelChildren(runId, timeout)
    const left = [...stuck, ...(yield* endLeft(runId)), ...early, ...late]
    return { run: yield* readRecord(runId), alreadyTerminal: false, left }
  })

/** The most processes that a message names. */
const namedLimit = 5

const nameProcess = ({ command, pid, reason }: LeftProcess): string =>
  `process ${pid}${command === "" ? "" : ` (${command})`} ${reason}`

/** Cancels the run and the runs inside it. The reason is written to its log. Fails when processes are left. */
export const cancel = Effect.fn("Engine.cancel")(function* (runId: RunId, options: CancelOptions) {
  const { alreadyTerminal, left, run } = yield* cancelRun(runId, options)
  if (left.length === 0) return { run, alreadyTerminal } satisfies Cancellation
  const names = left.slice(0, namedLimit).map(nameProcess)
  const more = left.length > namedLimit ? [`and ${left.length - namedLimit} more`] : []
  return yield* new CancelIncomplete({
    runId,
    status: run.status,
    left,
    message: `cannot end all processes of ${runId}: ${[...names, ...more].join("; ")}`,
    hint: `end these processes, then run mill cancel ${runId} again`,
  })
})

/** `cancelRun` is recursive, so its type is written out. */
type CancelNeeds = Exclude<
  Effect.Services<ReturnType<typeof forceEnd>> | Effect.Services<ReturnType<typeof reachWorker>>,
  Scope.Scope
>
