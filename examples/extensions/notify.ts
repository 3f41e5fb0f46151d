// Tells you when a run has ended: by a notification on the desktop, or by a command of your own.
// A program may tell more: `await mill.notify.send("halfway there")`. Beside this file is a configuration that uses it.

import { defineExtension, Effect, type MillEvent } from "@mill/core"
import { which } from "bun"
import { execFile } from "node:child_process"
import { platform } from "node:os"
import { promisify } from "node:util"

export type NotifyOptions = {
  /** A command and its first arguments; title and message follow as two more. No shell reads them. */
  readonly command?: readonly [command: string, ...args: ReadonlyArray<string>]
  /** Which ends are worth telling: all of them when absent. */
  readonly on?: ReadonlyArray<"complete" | "failed" | "cancelled">
}

/** Takes title and message from its arguments, so that neither is part of the script. */
const appleScript = [
  "on run argv",
  "display notification (item 2 of argv) with title (item 1 of argv)",
  "end run",
]

const desktop: NonNullable<NotifyOptions["command"]> =
  platform() === "darwin"
    ? ["osascript", ...appleScript.flatMap((line) => ["-e", line])]
    : ["notify-send", "--app-name=mill", "--"]

const run = promisify(execFile)

const spawns = (count: number) => `${count} ${count === 1 ? "spawn" : "spawns"}`

/** What an event says of the run's end, if that is what it is. */
const endOf = (event: MillEvent) => {
  switch (event.type) {
    case "run:complete":
      return { end: "complete", message: spawns(event.payload.result.spawns.length) } as const
    case "run:failed":
      return { end: "failed", message: event.payload.message } as const
    case "run:cancelled":
      return { end: "cancelled", message: event.payload.reason ?? "" } as const
    default:
      return undefined
  }
}

export const notify = ({
  command = desktop,
  on = ["complete", "failed", "cancelled"],
}: NotifyOptions = {}) => {
  const [executable, ...args] = command
  const send = (title: string, message: string) =>
    run(executable, [...args, title, message], { timeout: 5000 })
  let name = "a run"

  return defineExtension({
    name: "notify",
    description: "Tells a person that a run has ended.",
    setup: ({ programPath }) =>
      Effect.sync(() => {
        name = programPath.split("/").at(-1) ?? programPath
        if (which(executable) === null) throw new Error(`there is no ${executable} on the PATH`)
      }),
    onEvent: (event) => {
      const ended = endOf(event)
      if (ended === undefined || !on.includes(ended.end)) return Effect.void
      return Effect.tryPromise(() => send(`mill: ${name} is ${ended.end}`, ended.message))
    },
    api: {
      send: async (message) => {
        await send(`mill: ${name}`, String(message))
      },
    },
    docs: {
      send: {
        description: "Shows a message to whoever started the run.",
        type: "(message: string) => Promise<void>",
      },
    },
  })
}
