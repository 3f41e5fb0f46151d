/** `mill` in a terminal, with somebody at the keyboard. */
import { eventually, millCommand, type MillOptions, type World } from "./mill.ts"

export type TerminalSession = {
  /** All that has been shown, with its control sequences. */
  readonly shown: () => string
  /** Waits until a text is shown. */
  readonly until: (text: string) => Promise<unknown>
  readonly type: (keys: string) => void
  readonly ended: Promise<{ readonly code: number; readonly output: string }>
}

/** Starts `mill` in a terminal of 120 columns, or as many as are asked for. */
export const startInTerminal = (
  world: World,
  args: ReadonlyArray<string>,
  { columns = 120, cwd = world.dir, env = {} }: MillOptions & { readonly columns?: number } = {},
): TerminalSession => {
  const decoder = new TextDecoder()
  let output = ""
  const closed = Promise.withResolvers<void>()
  const child = Bun.spawn([...millCommand, ...args], {
    cwd,
    env: { ...process.env, MILL_HOME: `${world.dir}/home`, NO_COLOR: undefined, ...env },
    terminal: {
      cols: columns,
      data: (_, bytes) => {
        output += decoder.decode(bytes, { stream: true })
      },
      exit: () => closed.resolve(),
    },
  })
  return {
    shown: () => output,
    until: (text) => eventually(`the terminal shows ${text}`, () => output.includes(text)),
    type: (keys) => void child.terminal?.write(keys),
    ended: Promise.all([child.exited, closed.promise]).then(([code]) => ({ code, output })),
  }
}
