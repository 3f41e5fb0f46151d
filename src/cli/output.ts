/** How a command speaks: JSON or text, to whom, with which style. */
import { Context, Data, Effect, type PlatformError } from "effect"
import { readSystemCode } from "../domain/error.schema.ts"
import { plainStyle, type Style, terminalStyle } from "./style.render.ts"

/** In characters. */
export type TerminalSize = { readonly columns: number; readonly rows: number }

/** Writes a text; done when it has been taken, failed when nobody reads any more. */
type Write = (text: string) => Effect.Effect<void, PlatformError.PlatformError>

/** What the process knows of where it runs. A size is there when the stream leads to a terminal. */
export type Surroundings = {
  readonly argv: ReadonlyArray<string>
  readonly color: boolean
  readonly debug: boolean
  readonly stdoutSize: () => TerminalSize | undefined
  readonly stderrSize: () => TerminalSize | undefined
  readonly writeOut: Write
  readonly writeErr: Write
  /** Calls back at the next Ctrl-C; gives what stops that. */
  readonly onInterrupt: (call: () => void) => () => void
}

/** Nobody reads what is written any more. */
export class ReaderGone extends Data.TaggedError("ReaderGone")<{}> {}

export class Output extends Context.Service<
  Output,
  {
    readonly json: boolean
    readonly debug: boolean
    /** For stdout and stderr: each may be a terminal or not. */
    readonly style: Style
    readonly errStyle: Style
    readonly size: () => TerminalSize | undefined
    readonly errSize: () => TerminalSize | undefined
    /** Write a line. */
    readonly out: (text: string) => Effect.Effect<void>
    readonly err: (text: string) => Effect.Effect<void>
    /** Why standard output did not take what it was given, if that is not that its reader is gone. */
    readonly outProblem: () => string | undefined
    /** Write as it is, without a line's end, and wait until the reader has taken it. */
    readonly writeOut: (text: string) => Effect.Effect<void, ReaderGone>
    readonly writeErr: (text: string) => Effect.Effect<void, ReaderGone>
    /** Waits for the next Ctrl-C. */
    readonly nextInterrupt: Effect.Effect<void>
  }
>()("mill/cli/Output") {}

/** The output of a command line: `--json` and `--no-color` may stand anywhere before `--`. */
export const outputOf = (surroundings: Surroundings) => {
  const { argv, color, debug, onInterrupt, stderrSize, stdoutSize, writeErr, writeOut } = surroundings
  const end = argv.indexOf("--")
  const flags = end === -1 ? argv : argv.slice(0, end)
  const colored = color && !flags.includes("--no-color") && !flags.includes("--color=false")
  const styleOf = (size: TerminalSize | undefined) =>
    colored && size !== undefined ? terminalStyle : plainStyle
  let problem: string | undefined
  const written = (text: string) =>
    Effect.mapError(writeOut(text), ({ reason }) => {
      const code = readSystemCode(reason.cause) ?? "unknown"
      if (code !== "EPIPE") problem ??= code
      return new ReaderGone()
    })
  return Output.of({
    json: flags.includes("--json") || flags.includes("--json=true"),
    debug,
    style: styleOf(stdoutSize()),
    errStyle: styleOf(stderrSize()),
    size: stdoutSize,
    errSize: stderrSize,
    out: (text) => Effect.ignore(written(`${text}\n`)),
    err: (text) => Effect.ignore(writeErr(`${text}\n`)),
    outProblem: () => problem,
    writeOut: written,
    writeErr: (text) => Effect.mapError(writeErr(text), () => new ReaderGone()),
    nextInterrupt: Effect.callback((resume) => Effect.sync(onInterrupt(() => resume(Effect.void)))),
  })
}
