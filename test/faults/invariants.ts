/** The invariants of a run after any fault. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { MillEvent } from "../../src/domain/event.schema.ts"
import { listEntries, waitFor, type CommandResult } from "../support/mill.ts"
import { isQuiet } from "./load.ts"
import { keepers, kill, type LiveRun, logText, marked, type Stage } from "./stage.ts"

/** The time limit of a failing check. */
const deadline = 20_000

/** The most milliseconds that a command may take on a quiet machine, unless it waits for the run. */
const quietLimit = 1000

const exitCodes = { complete: 0, failed: 1, cancelled: 130 }
type Status = keyof typeof exitCodes

const endsSpawn = ({ type }: MillEvent) => /^spawn:(?:complete|error|cancelled)$/.test(type)
const endsRun = ({ type }: MillEvent) => /^run:(?:complete|failed|cancelled)$/.test(type)
const readSpawnId = ({ payload }: MillEvent) => ("spawnId" in payload ? payload.spawnId : undefined)

const json = (text: string) => JSON.parse(text)
const readJson = (path: string) => json(readFileSync(path, "utf8"))

/**
 * Runs a command. Throws if it does not finish in time. Runs it again if a fault of another run killed it, while it settled
 * that run.
 */
export const runCommand = async (
  run: LiveRun,
  args: ReadonlyArray<string>,
  millis = deadline,
): Promise<CommandResult> => {
  const { env, world } = run.stage
  const child = world.start(args, { env })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill("SIGKILL")
  }, millis)
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  clearTimeout(timer)
  if (isLate) throw new Error(`no answer within ${millis} ms: mill ${args.join(" ")}`)
  if (child.signalCode === "SIGKILL") return runCommand(run, args, millis)
  return { code, stdout, stderr }
}

const check = (holds: boolean, what: string, ...details: ReadonlyArray<unknown>): void => {
  if (!holds) throw new Error([what, ...details.map((detail) => JSON.stringify(detail))].join(" "))
}

/** Runs a command that must answer within a second. Its time is judged if the machine is quiet before and after it. */
const runQuickly = async (run: LiveRun, args: ReadonlyArray<string>): Promise<CommandResult> => {
  const { stage } = run
  const isQuietBefore = await isQuiet()
  const start = performance.now()
  const result = await runCommand(run, args)
  const millis = performance.now() - start
  if (isQuietBefore && (await isQuiet())) {
    stage.times.push(millis)
    check(millis <= quietLimit, "a command answers within a second on a quiet machine", args, millis)
  } else stage.unjudged += 1
  return result
}

/** Reports how many commands were judged. */
export const describeTimes = ({ times, unjudged }: Stage): string =>
  `${times.length} commands timed, the slowest ${Math.round(Math.max(0, ...times))} ms; ${unjudged} not judged, as the machine was busy`

/** Cancels the run, whatever has happened to it, and checks that the answer is correct. */
export const checkCancel = async (run: LiveRun): Promise<void> => {
  const { code, stdout } = await runQuickly(run, ["cancel", run.runId, "--json"])
  check(code === 0, "cancel succeeds", code, stdout)
  const { alreadyTerminal, status } = json(stdout)
  check(alreadyTerminal || status !== "running", "cancel ends the run", stdout)
  check(readJson(join(run.runDir, "run.json")).status === status, "cancel prints the recorded status", stdout)
  check(marked(run).length === 0, "no process is left when cancel has answered", marked(run))
}

/** Checks the log: one end for each start, no gap in the sequence, nothing after the end. Returns the run's status. */
const checkLog = (run: LiveRun): Status => {
  const text = logText(run)
  check(text.endsWith("\n"), "the log ends with a whole line")
  const events: ReadonlyArray<MillEvent> = text.trimEnd().split("\n").map(json)
  check(
    events.every(({ sequence }, index) => sequence === index + 1),
    "the sequence has no gap",
  )
  const last = events.at(-1)
  check(last !== undefined && endsRun(last), "the last event ends the run", last)
  check(events.filter(endsRun).length === 1, "one event ends the run")
  const started = events.filter(({ type }) => type === "spawn:start").map(readSpawnId)
  const ended = events.filter(endsSpawn).map(readSpawnId)
  check(started.toSorted().join() === ended.toSorted().join(), "each spawn has ended once", started, ended)
  return String(last?.type).slice(4) as Status
}

const checkSnapshots = (run: LiveRun, status: Status) => {
  const events: ReadonlyArray<MillEvent> = logText(run).trimEnd().split("\n").map(json)
  const record = readJson(join(run.runDir, "run.json"))
  const result = readJson(join(run.runDir, "result.json"))
  check(record.status === status && result.status === status, "the snapshots have the status", status, record)
  const { cancelled, complete, error, running, started } = record.spawns
  const count = (type: string) => events.filter((event) => event.type === type).length
  const counts = ["spawn:start", "spawn:complete", "spawn:error", "spawn:cancelled"].map(count)
  check(
    [started, complete, error, cancelled].join() === counts.join() && running === 0,
    "the record counts the spawns of the log",
    counts,
    record.spawns,
  )
  const ids = result.spawns.map(({ spawnId }: { readonly spawnId: string }) => spawnId)
  check(
    new Set(ids).size === ids.length && ids.length >= complete && ids.length <= started,
    "the result lists each spawn once",
    ids,
  )
}

const checkAnswers = async (
  run: LiveRun,
  status: Status,
  flags: ReadonlyArray<string>,
  first: CommandResult,
) => {
  const ask = (...args: ReadonlyArray<string>) => runQuickly(run, [...args, "--json", ...flags])
  const state = await ask("status", run.runId)
  const ls = await ask("ls")
  const watch = await ask("watch", "--run", run.runId)
  check(first.code === exitCodes[status], "wait exits as the run ended", first)
  check(state.code === 0 && json(state.stdout).status === status, "status prints the end", state)
  check(ls.code === 0, "ls lists the runs", ls)
  const listed = json(ls.stdout).find(({ id }: { readonly id: string }) => id === run.runId)
  check(listed?.status === status, "ls prints the end", listed)
  check(watch.code === exitCodes[status], "watch exits as the run ended", watch.code, watch.stderr)
  const watched = watch.stdout
    .trimEnd()
    .split("\n")
    .map((line) => json(line).event)
  check(Bun.deepEquals(watched, logText(run).trimEnd().split("\n").map(json)), "watch prints the whole log")
}

const listFiles = (run: LiveRun): string =>
  readdirSync(run.runDir, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => {
      const { mtimeMs, size } = statSync(join(run.runDir, name))
      return `${name} ${size} ${mtimeMs}`
    })
    .join("\n")

/** Checks that no process and no socket of the run is left. */
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
  check(sockets.length === 0, "no socket is left", sockets)
}

/** Checks all invariants and throws on a violation. Returns the run's status. */
export const checkInvariants = async (run: LiveRun, flags: ReadonlyArray<string> = []): Promise<Status> => {
  const first = await runCommand(
    run,
    ["wait", run.runId, "--timeout", "20", "--json", ...flags],
    deadline + 5000,
  )
  check(first.code !== 124, "the run ends", logText(run).slice(-500))
  const status = checkLog(run)
  checkSnapshots(run, status)
  await checkNothingLeft(run)
  const before = listFiles(run)
  await checkAnswers(run, status, flags, first)
  check(listFiles(run) === before, "reading changes nothing", before, listFiles(run))
  return status
}
