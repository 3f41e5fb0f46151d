/** What must be true of a run after whatever was done to it. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { MillEvent } from "../../src/domain/event.schema.ts"
import { listEntries, waitFor, type CommandResult } from "../support/mill.ts"
import { keepers, kill, type LiveRun, logText, marked } from "./stage.ts"

/** A bound for failures: nothing waits for it when all is well. */
const deadline = 20_000

const exitCodes = { complete: 0, failed: 1, cancelled: 130 }
type Status = keyof typeof exitCodes

const endsSpawn = ({ type }: MillEvent) => /^spawn:(?:complete|error|cancelled)$/.test(type)
const endsRun = ({ type }: MillEvent) => /^run:(?:complete|failed|cancelled)$/.test(type)
const spawnOf = ({ payload }: MillEvent) => ("spawnId" in payload ? payload.spawnId : undefined)

const json = (text: string) => JSON.parse(text)
const readJson = (path: string) => json(readFileSync(path, "utf8"))

/**
 * Runs a command; one that does not answer in time is ended, and told of. One that was killed while it settled another
 * run, as a fault of that one, is run again.
 */
export const answerOf = async (
  run: LiveRun,
  args: ReadonlyArray<string>,
  millis = deadline,
): Promise<CommandResult> => {
  const { env, world } = run.stage
  const child = world.start(args, { env })
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill("SIGKILL")
  }, millis)
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  clearTimeout(timer)
  if (late) throw new Error(`no answer within ${millis} ms: mill ${args.join(" ")}`)
  if (child.signalCode === "SIGKILL") return answerOf(run, args, millis)
  return { code, stdout, stderr }
}

const must = (holds: boolean, what: string, ...details: ReadonlyArray<unknown>): void => {
  if (!holds) throw new Error([what, ...details.map((detail) => JSON.stringify(detail))].join(" "))
}

/** The log: one end for each start, numbers without a gap, nothing after the end. Gives the run's status. */
const checkLog = (run: LiveRun): Status => {
  const text = logText(run)
  must(text.endsWith("\n"), "the log ends with a whole line")
  const events: ReadonlyArray<MillEvent> = text.trimEnd().split("\n").map(json)
  must(
    events.every(({ sequence }, index) => sequence === index + 1),
    "the sequence has no gap",
  )
  const last = events.at(-1)
  must(last !== undefined && endsRun(last), "the last event ends the run", last)
  must(events.filter(endsRun).length === 1, "one event ends the run")
  const started = events.filter(({ type }) => type === "spawn:start").map(spawnOf)
  const ended = events.filter(endsSpawn).map(spawnOf)
  must(started.toSorted().join() === ended.toSorted().join(), "each spawn has ended once", started, ended)
  return String(last?.type).slice(4) as Status
}

const checkSnapshots = (run: LiveRun, status: Status) => {
  const events: ReadonlyArray<MillEvent> = logText(run).trimEnd().split("\n").map(json)
  const record = readJson(join(run.runDir, "run.json"))
  const result = readJson(join(run.runDir, "result.json"))
  must(record.status === status && result.status === status, "the snapshots tell the status", status, record)
  const { cancelled, complete, error, running, started } = record.spawns
  const seen = (type: string) => events.filter((event) => event.type === type).length
  const counts = ["spawn:start", "spawn:complete", "spawn:error", "spawn:cancelled"].map(seen)
  must(
    [started, complete, error, cancelled].join() === counts.join() && running === 0,
    "the record counts the spawns of the log",
    counts,
    record.spawns,
  )
  const ids = result.spawns.map(({ spawnId }: { readonly spawnId: string }) => spawnId)
  must(
    new Set(ids).size === ids.length && ids.length >= complete && ids.length <= started,
    "the result tells of each spawn once",
    ids,
  )
}

const checkAnswers = async (
  run: LiveRun,
  status: Status,
  flags: ReadonlyArray<string>,
  first: CommandResult,
) => {
  const ask = (...args: ReadonlyArray<string>) => answerOf(run, [...args, "--json", ...flags])
  const [state, ls, watch] = await Promise.all([
    ask("status", run.runId),
    ask("ls"),
    ask("watch", "--run", run.runId),
  ])
  must(first.code === exitCodes[status], "wait exits as the run ended", first)
  must(state.code === 0 && json(state.stdout).status === status, "status tells the end", state)
  const listed = json(ls.stdout).find(({ id }: { readonly id: string }) => id === run.runId)
  must(ls.code === 0 && listed?.status === status, "ls tells the end", ls.code, listed)
  must(watch.code === exitCodes[status], "watch exits as the run ended", watch.code, watch.stderr)
  const watched = watch.stdout
    .trimEnd()
    .split("\n")
    .map((line) => json(line).event)
  must(Bun.deepEquals(watched, logText(run).trimEnd().split("\n").map(json)), "watch tells the whole log")
}

const filesOf = (run: LiveRun): string =>
  readdirSync(run.runDir, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => {
      const { mtimeMs, size } = statSync(join(run.runDir, name))
      return `${name} ${size} ${mtimeMs}`
    })
    .join("\n")

/** Nothing of the run is left running, and no socket of it. */
export const checkNothingLeft = async (run: LiveRun): Promise<void> => {
  const left = () => [...marked(run), ...keepers(run)]
  await waitFor(`nothing is left running of ${run.runId}`, () => left().length === 0, deadline).catch(
    (error: unknown) => {
      const pids = left()
      const lines = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "))
      kill(pids)
      throw new Error(`${String(error)}: ${lines.join("; ")}`)
    },
  )
  const sockets = listEntries(run.stage.socketDir).filter((name) => name.includes(run.runId))
  must(sockets.length === 0, "no socket is left", sockets)
}

/** Throws when something is not as it must be. Gives how the run ended. */
export const checkInvariants = async (run: LiveRun, flags: ReadonlyArray<string> = []): Promise<Status> => {
  const first = await answerOf(
    run,
    ["wait", run.runId, "--timeout", "20", "--json", ...flags],
    deadline + 5000,
  )
  must(first.code !== 124, "the run ends", logText(run).slice(-500))
  const status = checkLog(run)
  checkSnapshots(run, status)
  await checkNothingLeft(run)
  const before = filesOf(run)
  await checkAnswers(run, status, flags, first)
  must(filesOf(run) === before, "looking changes nothing", before, filesOf(run))
  return status
}
