/** The command line `mill`: its commands, its errors and its exit codes. */
import { Cause, Effect, Layer, Option, Ref } from "effect"
import { CliConfig, CliError, Command, GlobalFlag } from "effect/cli"
import packageJson from "../../package.json" with { type: "json" }
import { cancelCommand } from "./cancel.command.ts"
import { makeCompletionsFlag } from "./completions.command.ts"
import { type Discover, makeDiscover } from "./discovery.ts"
import { ExitWith } from "./engine.ts"
import { type PrintableError, renderError, renderErrorJson } from "./error.render.ts"
import { colorFlag, jsonFlag, runsDirFlag } from "./global-flags.ts"
import { makePresenter, printCard } from "./help.ts"
import { makeInitCommand } from "./init.command.ts"
import { lsCommand } from "./ls.command.ts"
import { makeOutput, Output, type ProcessStreams } from "./output.ts"
import { runCommand } from "./run.command.ts"
import { settleCommand } from "./settle.command.ts"
import { statusCommand } from "./status.command.ts"
import { waitCommand } from "./wait.command.ts"
import { watchCommand } from "./watch.command.ts"

/** Discovery describes the commands, and some commands print its payload. */
const discover: Discover = (options) => makeDiscover(root)(options)

const root = Command.make("mill", {}, () => printCard(discover)).pipe(
  Command.withDescription("Run TypeScript programs that spawn and coordinate AI agents"),
  Command.withSubcommands([
    runCommand,
    statusCommand,
    waitCommand,
    watchCommand,
    lsCommand,
    cancelCommand,
    makeInitCommand(discover),
    settleCommand,
  ]),
  Command.withGlobalFlags([
    makeCompletionsFlag({
      help: GlobalFlag.Help.flag,
      json: jsonFlag.flag,
      runsDir: runsDirFlag.flag,
      color: colorFlag.flag,
    }),
    jsonFlag,
    runsDirFlag,
    colorFlag,
  ]),
)

const cliConfig = CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })

/** Rewords an error from Effect's parser in the style of mill's own errors. */
const toUsageError = (error: CliError.ShowHelp): PrintableError => {
  const [first] = error.errors
  const [line = "", ...rest] = (first?.message ?? "").split(/\n+/).map((text) => text.trim())
  const message = `${line.charAt(0).toLowerCase()}${line.slice(1)}`.replace(
    /Invalid (key=value) format\. .*/,
    "$1",
  )
  const suggestion = rest.filter((text) => text !== "" && !text.startsWith("Did you mean")).join(", ")
  const command = error.commandPath.join(" ")
  return {
    _tag: "UsageError",
    message,
    hint: suggestion === "" ? `see \`${command} --help\` for usage` : `did you mean ${suggestion}?`,
    exitCode: 2,
  }
}

/** Describes a defect in mill. */
const toInternalError = (cause: Cause.Cause<unknown>): PrintableError => {
  const defect = Cause.squash(cause)
  return {
    _tag: "InternalError",
    message: defect instanceof Error ? defect.message : String(defect),
    hint: "this is a bug in mill; run the command again with MILL_DEBUG=1 to see a stack trace",
  }
}

const toOutputError = (code: string): PrintableError => ({
  _tag: "OutputError",
  message: `cannot write to standard output: ${code === "ENOSPC" ? "no space left on device" : code}`,
})

const isPrintable = (error: unknown): error is PrintableError =>
  typeof error === "object" && error !== null && "_tag" in error && "message" in error

/** Prints an error. Returns its exit code. */
const reportError = Effect.fnUntraced(function* (error: PrintableError) {
  const { err, errStyle, json, out } = yield* Output
  if (json) yield* out(renderErrorJson(error))
  yield* err(renderError(error, errStyle))
  return error.exitCode ?? 1
})

const reportCause = (cause: Cause.Cause<unknown>) => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error instanceof ExitWith) return Effect.succeed(error.exitCode)
  if (CliError.isCliError(error) && error._tag === "ShowHelp") {
    return error.errors.length === 0 ? Effect.succeed(0) : reportError(toUsageError(error))
  }
  if (isPrintable(error)) return reportError(error)
  return Cause.hasInterruptsOnly(cause) ? Effect.interrupt : reportError(toInternalError(cause))
}

/** Runs a command line. Returns the exit code. */
export const main = Effect.fnUntraced(function* (streams: ProcessStreams) {
  const output = makeOutput(streams)
  const helpFailure = yield* Ref.make(Option.none<PrintableError>())
  const run = Effect.gen(function* () {
    const exitCode = yield* Command.runWith(root, { version: packageJson.version })(streams.argv).pipe(
      Effect.as(0),
      Effect.tapCause((cause) => (streams.debug ? Effect.logError(cause) : Effect.void)),
      Effect.catchCause(reportCause),
    )
    const failure = Option.getOrUndefined(yield* Ref.get(helpFailure))
    const helpExitCode = failure === undefined ? exitCode : yield* reportError(failure)
    const problem = output.outProblem()
    return problem === undefined ? helpExitCode : yield* reportError(toOutputError(problem))
  })
  return yield* Effect.provide(
    run,
    makePresenter(helpFailure, discover).pipe(
      Layer.provideMerge(Layer.merge(cliConfig, Layer.succeed(Output, output))),
    ),
  )
})
