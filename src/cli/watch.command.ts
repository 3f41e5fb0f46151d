/** `mill watch` */
import { Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { isRunTerminal, type LogEntry } from "../domain/event.schema.ts"
import type { RunId } from "../domain/ids.schema.ts"
import { type Engine, exitAs, openEngine } from "./engine.ts"
import { renderError, type TellableError } from "./error.render.ts"
import { showLive } from "./live.ts"
import { PrintsJson } from "./discovery.ts"
import { Output, ReaderGone } from "./output.ts"
import { type WatchItem, watchItemJson, watchItemLine } from "./watch.render.ts"

const parameters = {
  run: Flag.String("run").pipe(
    Flag.withDescription(
      "A run id, the beginning of one, or: last. Without it: all live runs, and those that start",
    ),
    Flag.optional,
  ),
  channel: Flag.Literals("channel", ["events", "io", "all"]).pipe(
    Flag.withDescription("events: the log, from its start; io: what is printed from now on; all: both"),
    Flag.withDefault("events"),
  ),
  source: Flag.Literals("source", ["driver", "program"]).pipe(
    Flag.withDescription("Only lines that agents (driver) or the program print"),
    Flag.optional,
  ),
  spawn: Flag.String("spawn").pipe(
    Flag.withDescription("Only events and lines of this spawn, for example spawn_2"),
    Flag.withMetavar("spawnId"),
    Flag.optional,
  ),
}

type Wanted = {
  readonly channel: "events" | "io" | "all"
  readonly source: "driver" | "program" | undefined
  readonly spawn: string | undefined
}

/** The end of a run is told whatever spawn was asked for. */
const concerns = ({ event, known }: LogEntry, spawn: string | undefined): boolean =>
  spawn === undefined ||
  (known && (isRunTerminal(event) || ("spawnId" in event.payload && event.payload.spawnId === spawn)))

/** What one run tells of what was asked for. */
const itemsOf = (engine: Engine, runId: RunId, { channel, source, spawn }: Wanted) => {
  const events = engine.watch(runId).pipe(
    Stream.filter((entry) => concerns(entry, spawn)),
    Stream.map((entry): WatchItem => ({ kind: "event", runId, entry })),
  )
  const io = engine.watchIo(runId).pipe(
    Stream.filter(
      (item) =>
        item.kind === "dropped" ||
        ((source === undefined || item.io.source === source) &&
          (spawn === undefined || item.io.spawnId === spawn)),
    ),
    Stream.map((item): WatchItem => ({ ...item, runId })),
  )
  return channel === "events" ? events : channel === "io" ? io : Stream.merge(events, io)
}

/** Ends when nobody reads standard output any more, also while there is nothing to write. */
const untilReaderGone = Effect.flatMap(
  Effect.promise(() => import("../runtime/platform/stdout.effect.ts")),
  ({ awaitStdoutClosed }) => awaitStdoutClosed,
)

export const watchCommand = Command.make(
  "watch",
  parameters,
  Effect.fnUntraced(function* ({ channel, run: reference, source, spawn }) {
    const engine = yield* openEngine
    const { err, errStyle, json, size, style, writeOut } = yield* Output
    const wanted: Wanted = {
      channel,
      source: Option.getOrUndefined(source),
      spawn: Option.getOrUndefined(spawn),
    }
    const runId = Option.isSome(reference) ? yield* engine.resolve(reference.value) : undefined
    if (channel !== "events")
      yield* err(errStyle.dim("what was printed before now is not kept, and not shown"))

    if (runId === undefined && !json) {
      yield* err(errStyle.dim("all live runs, and those that start from now on; Ctrl-C ends this"))
    }

    const runs = runId === undefined ? engine.liveRuns : Stream.make(runId)
    const label = (id: string) => (runId === undefined ? style.dim(`${id.slice(-8)} `) : "")
    const write = (lines: ReadonlyArray<string>) =>
      lines.length === 0 ? Effect.void : writeOut(lines.map((line) => `${line}\n`).join(""))
    /** One of many runs that cannot be read is told of, and the others go on. */
    const unlessAlone = <A, E extends TellableError>(items: Stream.Stream<A, E>) =>
      runId === undefined
        ? items.pipe(Stream.catch((error) => Stream.fromEffectDrain(err(renderError(error, errStyle)))))
        : items
    const items = Stream.flatMap(runs, (id) => unlessAlone(itemsOf(engine, id, wanted)), {
      concurrency: "unbounded",
    })
    const live = channel === "events" && !json && size() !== undefined
    const showing = live
      ? showLive(
          Stream.flatMap(
            runs,
            (id) => unlessAlone(Stream.map(engine.watch(id), (entry) => ({ runId: id, entry }))),
            { concurrency: "unbounded" },
          ).pipe(
            Stream.filter(({ entry }) => entry.event.type === "run:start" || concerns(entry, wanted.spawn)),
          ),
          { style, size, write: writeOut },
          label,
        )
      : Stream.runForEachArray(items, (batch) =>
          write(
            batch.flatMap((item) =>
              json ? [watchItemJson(item)] : watchItemLine(item, label(item.runId), style),
            ),
          ),
        )
    const read = yield* showing.pipe(
      Effect.as(true),
      Effect.raceFirst(Effect.as(untilReaderGone, false)),
      Effect.catchIf(
        (error) => error instanceof ReaderGone,
        () => Effect.succeed(false),
      ),
    )
    if (runId !== undefined && read) yield* exitAs(yield* engine.wait(runId))
  }, Effect.scoped),
).pipe(
  Command.annotate(
    PrintsJson,
    'A JSON object a line: {"kind":"event","runId","event": Event}, {"kind":"io","runId","source","stream","line","timestamp","spawnId"} or {"kind":"dropped","runId","lines"}',
  ),
  Command.withDescription("Follow a run, or all: its events, and what its program and agents print"),
  Command.withExamples([
    { command: "mill watch --run last", description: "The newest run, until it ends" },
    {
      command: "mill watch --channel io --source program",
      description: "What the programs of all live runs print",
    },
    { command: "mill watch --run last --json", description: "For an agent: a JSON object a line" },
  ]),
)
