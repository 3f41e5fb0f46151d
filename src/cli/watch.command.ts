/** `mill watch` */
import { Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { isRunTerminal, type LogEntry } from "../domain/event.schema.ts"
import type { RunId } from "../domain/ids.schema.ts"
import { PrintsJson } from "./discovery.ts"
import { type CommandEngine, exitWithStatus, ignoredDriverFlag, openEngine, warnOfDamage } from "./engine.ts"
import { type PrintableError, renderError } from "./error.render.ts"
import { showLive } from "./live.ts"
import { Output, ReaderGone } from "./output.ts"
import { readTime } from "./time.ts"
import { renderWatchItem, renderWatchItemJson, type WatchedEvent, type WatchItem } from "./watch.render.ts"

const parameters = {
  driver: ignoredDriverFlag,
  run: Flag.String("run").pipe(
    Flag.withDescription('Run id, a prefix of a run id, or "last" (default: all current and new runs)'),
    Flag.optional,
  ),
  channel: Flag.Literals("channel", ["events", "io", "all"]).pipe(
    Flag.withDescription("What to show: events from the start of each run, new output lines, or both"),
    Flag.withDefault("events"),
  ),
  source: Flag.Literals("source", ["driver", "program"]).pipe(
    Flag.withDescription("Only show output from one source: driver (the agents) or program"),
    Flag.optional,
  ),
  spawn: Flag.String("spawn").pipe(
    Flag.withDescription("Only show events and output lines from this spawn, for example spawn_2"),
    Flag.withMetavar("spawnId"),
    Flag.optional,
  ),
  sinceTime: Flag.String("since-time").pipe(
    Flag.withDescription(
      "Only show events and output from this time on: an ISO 8601 time, or milliseconds since 1970",
    ),
    Flag.withMetavar("time"),
    Flag.optional,
  ),
}

type Channel = "events" | "io" | "all"

/** Reads what the channel carries of a run. */
const readItems = (engine: CommandEngine, runId: RunId, channel: Channel) => {
  const events = engine.watch(runId).pipe(Stream.map((entry): WatchItem => ({ kind: "event", runId, entry })))
  const io = engine.watchIo(runId).pipe(Stream.map((item): WatchItem => ({ ...item, runId })))
  return channel === "events" ? events : channel === "io" ? io : Stream.merge(events, io)
}

/** Whether an event is about this spawn. The end of a run is about all its spawns. */
const concernsSpawn = ({ event, known }: LogEntry, spawn: string): boolean =>
  known && (isRunTerminal(event) || ("spawnId" in event.payload && event.payload.spawnId === spawn))

type Selection = {
  readonly source: string | undefined
  readonly spawn: string | undefined
  /** In milliseconds since 1970. */
  readonly since: number | undefined
}

const isSelected = (item: WatchItem, { since = -Infinity, source, spawn }: Selection): boolean => {
  if (item.kind === "dropped") return true
  const { timestamp } = item.kind === "event" ? item.entry.event : item.io
  if (Date.parse(timestamp) < since) return false
  if (item.kind === "event") return spawn === undefined || concernsSpawn(item.entry, spawn)
  return (
    (source === undefined || item.io.source === source) && (spawn === undefined || item.io.spawnId === spawn)
  )
}

/** Completes when the reader of standard output goes away, even if there is nothing to write. */
const awaitReaderGone = Effect.flatMap(
  Effect.promise(() => import("../runtime/platform/stdout.effect.ts")),
  ({ awaitStdoutClosed }) => awaitStdoutClosed,
)

export const watchCommand = Command.make(
  "watch",
  parameters,
  Effect.fnUntraced(function* ({ channel, run: reference, ...filters }) {
    const since = yield* readTime(filters.sinceTime)
    const engine = yield* openEngine
    const { err, errStyle, json, size, style, terminal, writeOut } = yield* Output
    const source = Option.getOrUndefined(filters.source)
    const spawn = Option.getOrUndefined(filters.spawn)
    const selection = { since, source, spawn }
    const runId = Option.isSome(reference) ? yield* engine.resolve(reference.value) : undefined
    if (channel !== "events")
      yield* err(errStyle.dim("earlier output is not stored; showing new output only"))
    if (runId === undefined && !json)
      yield* err(errStyle.dim("watching all current and new runs (Ctrl-C to stop)"))

    /** Among many runs, one that cannot be read is reported, and the others are still watched. */
    const keepWatching = <A, E extends PrintableError>(items: Stream.Stream<A, E>) =>
      runId === undefined
        ? items.pipe(Stream.catch((error) => Stream.fromEffectDrain(err(renderError(error, errStyle)))))
        : items
    const items = Stream.flatMap(
      runId === undefined ? engine.liveRuns : Stream.make(runId),
      (id) => keepWatching(readItems(engine, id, channel)),
      { concurrency: "unbounded" },
    )
    const label = (id: string) => (runId === undefined ? style.dim(`${id.slice(-8)} `) : "")

    /** The live view needs the start of each run, whichever spawn it shows. */
    const isViewed = (item: WatchItem): item is WatchedEvent =>
      item.kind === "event" && (item.entry.event.type === "run:start" || isSelected(item, selection))
    const showLines = (batch: ReadonlyArray<WatchItem>) => {
      const lines = batch
        .filter((item) => isSelected(item, selection))
        .flatMap((item) =>
          json ? [renderWatchItemJson(item)] : renderWatchItem(item, label(item.runId), style),
        )
      return lines.length === 0 ? Effect.void : writeOut(lines.map((line) => `${line}\n`).join(""))
    }
    // The live view shows spawns from their start.
    const isLive = channel === "events" && !json && size() !== undefined && since === undefined
    const show = isLive
      ? showLive(Stream.filter(items, isViewed), { style, size, write: writeOut, terminal }, label)
      : Stream.runForEachArray(items, showLines)

    const isRead = yield* show.pipe(
      Effect.as(true),
      Effect.raceFirst(Effect.as(awaitReaderGone, false)),
      Effect.catchIf(
        (error) => error instanceof ReaderGone,
        () => Effect.succeed(false),
      ),
    )
    if (runId === undefined || !isRead) return
    const run = yield* engine.wait(runId)
    yield* warnOfDamage(run)
    yield* exitWithStatus(run)
  }, Effect.scoped),
).pipe(
  Command.annotate(
    PrintsJson,
    'one JSON object per line: {"kind":"event","runId","event": Event}, {"kind":"io","runId","source","stream","line","timestamp","spawnId"} or {"kind":"dropped","runId","lines"}',
  ),
  Command.withDescription("Follow the events and output of one run or of all runs"),
  Command.withExamples([
    { command: "mill watch --run last", description: "Follow the newest run until it finishes" },
    {
      command: "mill watch --channel io --source program",
      description: "Show the output of the programs in all runs",
    },
    { command: "mill watch --run last --json", description: "Print one JSON object per line" },
  ]),
)
