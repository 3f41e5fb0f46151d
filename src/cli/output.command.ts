/** How a command speaks: JSON or text, to whom, with which style. */
import type { Effect } from "effect"
import { Console, Context } from "effect"
import { plainStyle, type Style, terminalStyle } from "./style.render.ts"

/** What the process knows of where it runs. */
export type Surroundings = {
  readonly argv: ReadonlyArray<string>
  readonly color: boolean
  readonly debug: boolean
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  readonly columns: number
  readonly writeErr: (text: string) => Effect.Effect<void>
}

export class Output extends Context.Service<
  Output,
  {
    readonly json: boolean
    readonly debug: boolean
    /** For stdout and stderr: each may be a terminal or not. */
    readonly style: Style
    readonly errStyle: Style
    /** How wide the terminal is that stderr leads to, if it does. */
    readonly columns: number | undefined
    readonly out: (text: string) => Effect.Effect<void>
    readonly err: (text: string) => Effect.Effect<void>
    /** Writes to stderr as it is, without a line's end. */
    readonly writeErr: (text: string) => Effect.Effect<void>
  }
>()("mill/cli/Output") {}

/** The output of a command line: `--json` and `--no-color` may stand anywhere before `--`. */
export const outputOf = (surroundings: Surroundings) => {
  const { argv, color, columns, debug, stderrIsTerminal, stdoutIsTerminal } = surroundings
  const end = argv.indexOf("--")
  const flags = end === -1 ? argv : argv.slice(0, end)
  const colored = color && !flags.includes("--no-color") && !flags.includes("--color=false")
  const json = flags.includes("--json") || flags.includes("--json=true")
  return Output.of({
    json,
    debug,
    style: colored && stdoutIsTerminal ? terminalStyle : plainStyle,
    errStyle: colored && stderrIsTerminal ? terminalStyle : plainStyle,
    columns: stderrIsTerminal ? columns : undefined,
    out: (text) => Console.log(text),
    err: (text) => Console.error(text),
    writeErr: surroundings.writeErr,
  })
}
