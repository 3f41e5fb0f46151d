/** Where a command writes, in which style, and whether it prints JSON. */
import { Context, Data, Effect, type PlatformError } from "effect"
import { readSystemCode } from "../domain/error.schema.ts"
import type { Terminal } from "./live.ts"
import type { TerminalSize } from "./live-block.ts"
import { plainStyle, type Style, terminalStyle } from "./style.render.ts"

/** Writes a text. Completes when the reader has received it; fails if the reader is gone. */
type Write = (text: string) => Effect.Effect<void, PlatformError.PlatformError>

/** The arguments and streams of this process. A stream has a size when it is a terminal. */
export type ProcessStreams = {
  readonly argv: ReadonlyArray<string>
  readonly color: boolean
  readonly debug: boolean
  readonly stdoutSize: () => TerminalSize | undefined
  readonly stderrSize: () => TerminalSize | undefined
  readonly writeOut: Write
  readonly writeErr: Write
  readonly terminal: Terminal
  /** Calls back on the next Ctrl-C. Returns a function that stops listening. */
  readonly onInterrupt: (listener: () => void) => () => void
}

/** The reader of standard output or standard error is gone. */
export class ReaderGone extends Data.TaggedError("ReaderGone")<{}> {}

export class Output extends Context.Service<
  Output,
  {
    readonly json: boolean
    readonly debug: boolean
    /** For stdout and for stderr: either may be a terminal. */
    readonly style: Style
    readonly errStyle: Style
    readonly size: () => TerminalSize | undefined
    readonly errSize: () => TerminalSize | undefined
    /** Write a line. */
    readonly out: (text: string) => Effect.Effect<void>
    readonly err: (text: string) => Effect.Effect<void>
    /** The system's code for a failed write to stdout, unless the reader had just gone away. */
    readonly outProblem: () => string | undefined
    /** Write text without adding a line break, and wait until the reader has taken it. */
    readonly writeOut: (text: string) => Effect.Effect<void, ReaderGone>
    readonly writeErr: (text: string) => Effect.Effect<void, ReaderGone>
    readonly terminal: Terminal
    /** Waits for the next Ctrl-C. */
    readonly nextInterrupt: Effect.Effect<void>
  }
>()("mill/cli/Output") {}

/**
 * Makes the output of a command line. `--json` and `--no-color` are read from the arguments themselves: they count
 * anywhere before `--`, also when the command line cannot be parsed.
 */
export const makeOutput = (streams: ProcessStreams) => {
  const { argv, color, debug, onInterrupt, stderrSize, stdoutSize, terminal, writeErr, writeOut } = streams
  const end = argv.indexOf("--")
  const flags = end === -1 ? argv : argv.slice(0, end)
  const colored = color && !flags.includes("--no-color") && !flags.includes("--color=false")
  const chooseStyle = (size: TerminalSize | undefined) =>
    colored && size !== undefined ? terminalStyle : plainStyle
  let problem: string | undefined
  const write = (text: string) =>
    Effect.mapError(writeOut(text), ({ reason }) => {
      const code = readSystemCode(reason.cause) ?? "unknown"
      if (code !== "EPIPE") problem ??= code
      return new ReaderGone()
    })
  return Output.of({
    json: flags.includes("--json") || flags.includes("--json=true"),
    debug,
    style: chooseStyle(stdoutSize()),
    errStyle: chooseStyle(stderrSize()),
    size: stdoutSize,
    errSize: stderrSize,
    out: (text) => Effect.ignore(write(`${text}\n`)),
    err: (text) => Effect.ignore(writeErr(`${text}\n`)),
    outProblem: () => problem,
    writeOut: write,
    writeErr: (text) => Effect.mapError(writeErr(text), () => new ReaderGone()),
    terminal,
    nextInterrupt: Effect.callback((resume) => Effect.sync(onInterrupt(() => resume(Effect.void)))),
  })
}
