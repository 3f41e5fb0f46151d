/** Runs `mill` in a terminal and types into it. */
import { waitFor, millCommand, type MillOptions, type World } from "./mill.ts"

export type TerminalSession = {
  /** Returns all output so far, with control sequences. */
  readonly readOutput: () => string
  /** Waits until the output contains a text. */
  readonly waitForText: (text: string) => Promise<unknown>
  readonly type: (keys: string) => void
  readonly resize: (columns: number, rows: number) => void
  readonly result: Promise<{ readonly code: number; readonly output: string }>
}

/** Starts `mill` in a terminal, by default 120 columns wide. */
export const startInTerminal = (
  world: World,
  args: ReadonlyArray<string>,
  {
    columns = 120,
    cwd = world.dir,
    env = {},
    rows = 24,
  }: MillOptions & { readonly columns?: number; readonly rows?: number } = {},
): TerminalSession => {
  const decoder = new TextDecoder()
  let output = ""
  const closed = Promise.withResolvers<void>()
  const child = Bun.spawn([...millCommand, ...args], {
    cwd,
    env: { ...process.env, MILL_HOME: `${world.dir}/home`, NO_COLOR: undefined, ...env },
    terminal: {
      cols: columns,
      rows,
      data: (_, bytes) => {
        output += decoder.decode(bytes, { stream: true })
      },
      exit: () => closed.resolve(),
    },
  })
  return {
    readOutput: () => output,
    waitForText: (text) => waitFor(`the terminal to show ${text}`, () => output.includes(text)),
    type: (keys) => void child.terminal?.write(keys),
    resize: (columns, rows) => child.terminal?.resize(columns, rows),
    result: Promise.all([child.exited, closed.promise]).then(([code]) => ({ code, output })),
  }
}
