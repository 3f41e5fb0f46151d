/** `mill run <program.ts>` */
import { Deferred, Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { isRunTerminal } from "../domain/event.schema.ts"
import type { RunId } from "../domain/ids.schema.ts"
import type { DraftPlan } from "../domain/plan.schema.ts"
import { canAsk, confirmRun } from "./confirm.ts"
import { PrintsJson } from "./discovery.ts"
import { type CommandEngine, ExitWith, exitWithStatus, openEngine } from "./engine.ts"
import { renderError, renderErrorJson } from "./error.render.ts"
import { type LiveItem, showLive } from "./live.ts"
import { readMetadata } from "./metadata.ts"
import { Output, ReaderGone } from "./output.ts"
import { renderPlan, renderPreview, shortenPath } from "./plan.render.ts"
import { printRun } from "./status.command.ts"
import { renderNextCommand } from "./style.render.ts"
import { renderWatchItem } from "./watch.render.ts"

const parameters = {
  program: Argument.String("program.ts").pipe(
    Argument.withDescription("TypeScript file to run"),
    Argument.filter(
      (program) => program !== "",
      () => "a file path",
    ),
  ),
  args: Argument.String("args").pipe(
    Argument.withDescription("Arguments to pass to the program, after --; available as mill.args"),
    Argument.variadic(),
  ),
  sync: Flag.Boolean("sync").pipe(
    Flag.withDescription("Wait for the run to finish, and show its progress and output"),
    Flag.withDefault(false),
  ),
  driver: Flag.String("driver").pipe(
    Flag.withDescription("Driver to use: claude, pi, codex, offline, or one defined in mill.config.ts"),
    Flag.optional,
  ),
  executor: Flag.String("executor").pipe(
    Flag.withDescription("Executor to use: direct, vm, or one defined in mill.config.ts"),
    Flag.optional,
  ),
  confirm: Flag.Boolean("confirm").pipe(
    Flag.withDescription("In a terminal, show a preview and ask before starting (disable with --no-confirm)"),
    Flag.optional,
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Check the program and print the plan, without starting a run"),
    Flag.withDefault(false),
  ),
  meta: Flag.KeyValuePair("meta").pipe(
    Flag.withDescription("Attach metadata to the run (key=value, repeatable)"),
    Flag.optional,
  ),
  metaJson: Flag.String("meta-json").pipe(
    Flag.withDescription('Attach metadata to the run as a JSON object of strings, such as {"key":"value"}'),
    Flag.withMetavar("json"),
    Flag.optional,
  ),
}

export const runCommand = Command.make(
  "run",
  parameters,
  Effect.fnUntraced(function* ({ args, confirm, driver, dryRun, executor, meta, metaJson, program, sync }) {
    const metadata = yield* readMetadata(Option.getOrUndefined(meta), Option.getOrUndefined(metaJson))
    const engine = yield* openEngine
    const { err, errStyle, json, out, size, style } = yield* Output
    const prepared = yield* engine.prepare({
      program,
      args,
      driver: Option.getOrUndefined(driver),
      executor: Option.getOrUndefined(executor),
      metadata,
    })
    const { because, invocation, plan } = prepared
    const { cwd } = invocation
    if (dryRun) {
      const outline = yield* engine.outline(prepared)
      const { problems } = outline
      yield* out(
        json
          ? JSON.stringify(problems.length === 0 ? plan : { ...plan, problems })
          : renderPlan(plan, outline, cwd, style, size()?.columns),
      )
      if (problems.length > 0) return yield* new ExitWith({ exitCode: 2 })
      return
    }
    if (Option.getOrElse(confirm, () => prepared.confirm) && !json && (yield* canAsk)) {
      yield* out(renderPreview(plan, yield* engine.outline(prepared), cwd, style, size()?.columns))
      // JSON too: the terminal may be one that a program reads.
      yield* Effect.tapError(confirmRun(), (refused) => out(renderErrorJson(refused)))
    } else {
      for (const line of renderChoices(plan, cwd, because, json)) yield* err(errStyle.dim(line))
    }
    const run = yield* engine.start(prepared, { attended: sync })
    if (sync) return yield* followRun(engine, run.runId)
    if (json) return yield* out(JSON.stringify(run))
    yield* out(`${style.cyan("●")} ${style.bold(run.runId)} started`)
    for (const command of [`mill wait ${run.runId} --timeout 60`, `mill status ${run.runId}`])
      yield* out(renderNextCommand(command, style))
  }, Effect.scoped),
).pipe(
  Command.annotate(
    PrintsJson,
    'SubmittedRun; with --sync, {"run": RunRecord, "result": RunResult} once the run has finished; with --dry-run, the plan, and "problems": [{"location", "message", "hint"?}] if there are any',
  ),
  Command.withDescription("Run a program in the background and print the run id"),
  Command.withExamples([
    { command: "mill run plan.ts", description: "Start a run in the background" },
    {
      command: "mill run plan.ts --driver offline --sync",
      description: "Try the program without an agent and follow the run",
    },
    { command: "mill run plan.ts --dry-run", description: "Check the program without starting a run" },
    {
      command: "mill run plan.ts --json -- src/auth",
      description: "Pass an argument to the program and print JSON",
    },
  ]),
)

/** Names the configuration file that applies, and the driver if mill chose it. */
const renderChoices = (
  { config: [config], driver }: DraftPlan,
  cwd: string,
  because: string | undefined,
  json: boolean,
): ReadonlyArray<string> => [
  ...(config === undefined || json ? [] : [`config: ${shortenPath(cwd, config.path)}`]),
  ...(because === undefined ? [] : [`driver: ${driver.name}, ${because} (use --driver to choose another)`]),
]

/** How soon a second Ctrl-C must follow the first one to cancel the run. */
const secondInterrupt = "2 seconds"

/** Handles Ctrl-C: the run keeps running, unless Ctrl-C is pressed again. */
const leaveRun = Effect.fnUntraced(function* (engine: CommandEngine, runId: RunId) {
  const { err, errSize, errStyle, nextInterrupt } = yield* Output
  yield* err(`${runId} is still running`)
  for (const command of [`mill watch --run ${runId}`, `mill cancel ${runId}`])
    yield* err(renderNextCommand(command, errStyle))
  if (errSize() === undefined) return
  yield* err(errStyle.dim("  press Ctrl-C again to cancel the run"))
  const again = yield* Effect.timeoutOption(nextInterrupt, secondInterrupt)
  if (again._tag === "None") return
  yield* engine.cancel(runId, "Ctrl-C").pipe(
    Effect.flatMap(({ run }) =>
      err(
        run.status === "cancelled" ? `${runId} cancelled` : `${runId} had already finished (${run.status})`,
      ),
    ),
    Effect.catch((error) => err(renderError(error, errStyle))),
  )
})

/** How long to wait for the program's last lines after the end of the run. */
const outputPatience = "1 second"

/**
 * Waits for the run to finish and shows its progress and its program's output on standard error. With `--json`, shows only
 * the program's output. The run continues if this is interrupted.
 */
const followRun = Effect.fnUntraced(function* (engine: CommandEngine, runId: RunId) {
  const { errSize, errStyle, json, out, terminal, writeErr } = yield* Output
  const screen = { style: errStyle, size: json ? () => undefined : errSize, write: writeErr, terminal }
  const begun = yield* Deferred.make<void>()
  const ended = yield* Deferred.make<void>()
  const allPrinted = yield* Deferred.make<void>()
  if (json) yield* Deferred.succeed(begun, undefined)
  const endNow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.succeed(ended, undefined))
  // What the program prints is shown between the first and the last event, whichever arrives first.
  const events = engine.watch(runId).pipe(
    Stream.tap((entry) =>
      entry.known && isRunTerminal(entry.event)
        ? Effect.andThen(endNow, Deferred.await(allPrinted))
        : Deferred.succeed(begun, undefined),
    ),
    Stream.map((entry): LiveItem => ({ runId, entry })),
    Stream.ensuring(endNow),
  )
  const printed = Stream.unwrap(Effect.as(Deferred.await(begun), engine.watchProgram(runId))).pipe(
    Stream.map((item): LiveItem => ({ runId, lines: renderWatchItem({ ...item, runId }, "", errStyle) })),
    Stream.interruptWhen(Effect.andThen(Deferred.await(ended), Effect.sleep(outputPatience))),
    Stream.catchCause(() => Stream.empty),
    Stream.ensuring(Deferred.succeed(allPrinted, undefined)),
  )
  /** Shows nothing if the reader of standard error is gone, but still waits for the run. */
  const show = <E>(items: Stream.Stream<LiveItem, E>) =>
    showLive(items, screen, () => "").pipe(
      Effect.catchIf(
        (error) => error instanceof ReaderGone,
        () => Effect.void,
      ),
    )
  const wait = Effect.ensuring(engine.wait(runId), Deferred.succeed(ended, undefined))
  const finish = json
    ? Effect.map(Effect.all([wait, show(printed)], { concurrency: "unbounded" }), ([record]) => record)
    : Effect.andThen(show(Stream.merge(events, printed)), wait)
  const finished = yield* Effect.onInterrupt(finish, () => leaveRun(engine, runId))
  if (json) {
    const { result, run } = yield* engine.inspect(runId)
    yield* out(JSON.stringify({ run, result }))
  } else yield* printRun(engine, runId)
  yield* exitWithStatus(finished)
})
