/** `mill run <program.ts>` */
import { Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { RunId } from "../domain/ids.schema.ts"
import type { DraftPlan } from "../domain/plan.schema.ts"
import { canAsk, confirmRun } from "./confirm.ts"
import { type Engine, exitAs, openEngine } from "./engine.ts"
import { errorJson } from "./error.render.ts"
import { PrintsJson } from "./discovery.ts"
import { Output } from "./output.ts"
import { showLive } from "./live.ts"
import { renderPlan, renderPreview, seenFrom } from "./plan.render.ts"
import { printRun } from "./status.command.ts"
import { nextCommand } from "./style.render.ts"

const parameters = {
  program: Argument.String("program.ts").pipe(
    Argument.withDescription("The program: a TypeScript file"),
    Argument.filter(
      (program) => program !== "",
      () => "the path of a file, not nothing",
    ),
  ),
  args: Argument.String("args").pipe(
    Argument.withDescription("What the program finds in mill.args; put -- before it"),
    Argument.variadic(),
  ),
  sync: Flag.Boolean("sync").pipe(
    Flag.withDescription("Stay until the run has ended, and show what it does"),
    Flag.withDefault(false),
  ),
  driver: Flag.String("driver").pipe(
    Flag.withDescription("How agents are reached: claude, pi, codex, offline, or one of mill.config.ts"),
    Flag.optional,
  ),
  executor: Flag.String("executor").pipe(
    Flag.withDescription("Where the program runs: direct, vm, or one of mill.config.ts"),
    Flag.optional,
  ),
  confirm: Flag.Boolean("confirm").pipe(
    Flag.withDescription("In a terminal, show the program and ask first; --confirm=false does not"),
    Flag.optional,
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Print the plan that would be frozen, and start nothing"),
    Flag.withDefault(false),
  ),
  meta: Flag.KeyValuePair("meta").pipe(
    Flag.withDescription("A fact to keep with the run, key=value; may be given again"),
    Flag.optional,
  ),
}

export const runCommand = Command.make(
  "run",
  parameters,
  Effect.fnUntraced(function* ({ args, confirm, driver, dryRun, executor, meta, program, sync }) {
    const engine = yield* openEngine
    const { err, errStyle, json, out, size, style } = yield* Output
    const prepared = yield* engine.prepare({
      program,
      args,
      driver: Option.getOrUndefined(driver),
      executor: Option.getOrUndefined(executor),
      metadata: Option.getOrUndefined(meta),
    })
    const { because, invocation, plan } = prepared
    const { cwd } = invocation
    if (dryRun) {
      if (json) return yield* out(JSON.stringify(plan))
      return yield* out(renderPlan(plan, yield* engine.outline(prepared), cwd, style, size()?.columns))
    }
    if (Option.getOrElse(confirm, () => prepared.confirm) && !json && (yield* canAsk)) {
      yield* out(renderPreview(plan, yield* engine.outline(prepared), cwd, style, size()?.columns))
      // The caller may be a program that reads what a person has said.
      yield* Effect.tapError(confirmRun(), (refused) => out(errorJson(refused)))
    } else {
      for (const line of told(plan, cwd, because, json)) yield* err(errStyle.dim(line))
    }
    const run = yield* engine.start(prepared)
    if (sync) return yield* stay(engine, run.runId)
    if (json) return yield* out(JSON.stringify(run))
    yield* out(`${style.cyan("●")} ${style.bold(run.runId)} is on its way`)
    for (const command of [`mill wait ${run.runId} --timeout 60`, `mill status ${run.runId}`])
      yield* out(nextCommand(command, style))
  }, Effect.scoped),
).pipe(
  Command.annotate(
    PrintsJson,
    'SubmittedRun; with --sync, at the end, {"run": RunRecord, "result": RunResult}; with --dry-run the plan',
  ),
  Command.withDescription(
    "Run a program: prints the run's id at once, and a worker of its own carries the run on",
  ),
  Command.withExamples([
    { command: "mill run plan.ts", description: "Start it and go on with something else" },
    {
      command: "mill run plan.ts --driver offline --sync",
      description: "Rehearse it without any agent, and watch",
    },
    { command: "mill run plan.ts --dry-run", description: "See what it would be frozen to" },
    { command: "mill run plan.ts --json -- src/auth", description: "From an agent, with an argument" },
  ]),
)

/** What mill has found by itself, and a caller may not expect. */
const told = (
  { config: [config], driver }: DraftPlan,
  cwd: string,
  because: string | undefined,
  json: boolean,
): ReadonlyArray<string> => [
  ...(config === undefined || json ? [] : [`config: ${seenFrom(cwd, config.path)}`]),
  ...(because === undefined ? [] : [`driver: ${driver.name}, ${because} (--driver chooses another)`]),
]

/** How long after the first Ctrl-C a second one cancels the run. */
const secondInterrupt = "2 seconds"

/** What Ctrl-C does: the run goes on, unless it is pressed again at once. */
const goAway = Effect.fnUntraced(function* (engine: Engine, runId: RunId) {
  const { err, errSize, errStyle, nextInterrupt } = yield* Output
  yield* err(`${runId} goes on`)
  for (const command of [`mill watch --run ${runId}`, `mill cancel ${runId}`])
    yield* err(nextCommand(command, errStyle))
  if (errSize() === undefined) return
  yield* err(errStyle.dim("  Ctrl-C again cancels it"))
  const again = yield* Effect.timeoutOption(nextInterrupt, secondInterrupt)
  if (again._tag === "None") return
  yield* Effect.ignore(engine.cancel(runId, "Ctrl-C"))
  yield* err(`${runId} is cancelled`)
})

/** Waits for the run, showing what it does; going away leaves it going. */
const stay = Effect.fnUntraced(function* (engine: Engine, runId: RunId) {
  const { errSize, errStyle, json, out, writeErr } = yield* Output
  const events = Stream.map(engine.watch(runId), (entry) => ({ runId, entry }))
  const ended = yield* Effect.andThen(
    json ? Effect.void : showLive(events, { style: errStyle, size: errSize, write: writeErr }, () => ""),
    engine.wait(runId),
  ).pipe(Effect.onInterrupt(() => goAway(engine, runId)))
  if (json) {
    const { result, run } = yield* engine.inspect(runId)
    yield* out(JSON.stringify({ run, result }))
  } else yield* printRun(engine, runId)
  yield* exitAs(ended)
})
