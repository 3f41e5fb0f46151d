/** The command line: the commands, and how their ends become exit codes. */
import { Cause, Effect, Layer, Option, Ref } from "effect"
import { CliConfig, CliError, Command, GlobalFlag } from "effect/cli"
import packageJson from "../../package.json" with { type: "json" }
import { ExitWith } from "./engine.ts"
import { errorJson, renderError, type TellableError } from "./error.render.ts"
import { colorFlag, jsonFlag, runsDirFlag } from "./global-flags.ts"
import { cancelCommand } from "./cancel.command.ts"
import { completionsFlag } from "./completions.command.ts"
import { Discover, makeDiscover } from "./discovery.ts"
import { presenter, printCard } from "./help.ts"
import { initCommand } from "./init.command.ts"
import { lsCommand } from "./ls.command.ts"
import { Output, outputOf, type Surroundings } from "./output.ts"
import { runCommand } from "./run.command.ts"
import { settleCommand } from "./settle.command.ts"
import { statusCommand } from "./status.command.ts"
import { waitCommand } from "./wait.command.ts"
import { watchCommand } from "./watch.command.ts"

const root = Command.make("mill", {}, () => printCard).pipe(
  Command.withDescription("Runs TypeScript programs that spawn and coordinate AI agents"),
  Command.withSubcommands([
    runCommand,
    statusCommand,
    waitCommand,
    watchCommand,
    lsCommand,
    cancelCommand,
    initCommand,
    settleCommand,
  ]),
  Command.withGlobalFlags([
    completionsFlag({
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

/** A failed invocation as an error like any other. */
const usageError = (error: CliError.ShowHelp): TellableError => {
  const [first] = error.errors
  const [message = "", ...rest] = (first?.message ?? "").split(/\n+/).map((line) => line.trim())
  const suggestion = rest.filter((line) => line !== "" && !line.startsWith("Did you mean")).join(", ")
  const command = error.commandPath.join(" ")
  return {
    _tag: "UsageError",
    message,
    hint: suggestion === "" ? `${command} --help tells how it is used` : `did you mean ${suggestion}?`,
    exitCode: 2,
  }
}

const tell = Effect.fnUntraced(function* (error: TellableError) {
  const { err, errStyle, json, out } = yield* Output
  if (json) yield* out(errorJson(error))
  yield* err(renderError(error, errStyle))
  return error.exitCode ?? 1
})

/** What mill did not expect of itself. */
const internalError = (cause: Cause.Cause<unknown>): TellableError => {
  const defect = Cause.squash(cause)
  return {
    _tag: "InternalError",
    message: defect instanceof Error ? defect.message : String(defect),
    hint: "this is a fault of mill's; MILL_DEBUG=1 shows where",
  }
}

/** Standard output did not take all that it was given. */
const notWritten = (problem: string): TellableError => ({
  _tag: "OutputError",
  message: `cannot write to standard output: ${problem === "ENOSPC" ? "no space is left on the disk" : problem}`,
})

const isTellable = (error: unknown): error is TellableError =>
  typeof error === "object" && error !== null && "_tag" in error && "message" in error

/** Runs one command line; its value is the exit code. */
export const main = Effect.fnUntraced(function* (surroundings: Surroundings) {
  const helpFailure = yield* Ref.make(Option.none<TellableError>())
  return yield* Command.runWith(root, { version: packageJson.version })(surroundings.argv).pipe(
    Effect.as(0),
    Effect.tapCause((cause) => (surroundings.debug ? Effect.logError(cause) : Effect.void)),
    Effect.catchCause((cause) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      if (error instanceof ExitWith) return Effect.succeed(error.exitCode)
      if (CliError.isCliError(error) && error._tag === "ShowHelp") {
        return error.errors.length === 0 ? Effect.succeed(0) : tell(usageError(error))
      }
      return isTellable(error)
        ? tell(error)
        : Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : tell(internalError(cause))
    }),
    Effect.flatMap((exitCode) =>
      Effect.flatMap(
        Ref.get(helpFailure),
        Option.match({ onNone: () => Effect.succeed(exitCode), onSome: tell }),
      ),
    ),
    Effect.flatMap((exitCode) =>
      Effect.flatMap(Output, ({ outProblem }) => {
        const problem = outProblem()
        return problem === undefined ? Effect.succeed(exitCode) : tell(notWritten(problem))
      }),
    ),
    Effect.provide(
      presenter(helpFailure).pipe(
        Layer.provideMerge(Layer.effect(Discover, makeDiscover(root))),
        Layer.provideMerge(Layer.merge(cliConfig, Layer.succeed(Output, outputOf(surroundings)))),
      ),
    ),
  )
})
