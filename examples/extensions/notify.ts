// Notifies you when a run ends, on the desktop or through your own command. mill.config.ts shows how to use this extension.
// Programs can also send notifications: `await mill.notify.send("halfway there")`.

import { defineExtension, Effect, type MillEvent } from "@mill/core"
import { which } from "bun"
import { execFile } from "node:child_process"
import { platform } from "node:os"
import { promisify } from "node:util"

export type NotifyOptions = {
  /** A command and its first arguments. The title and the message are added as two arguments. No shell is involved. */
  readonly command?: readonly [command: string, ...args: ReadonlyArray<string>]
  /** The outcomes that cause a notification. Default: all. */
  readonly on?: ReadonlyArray<"complete" | "failed" | "cancelled">
}

/** Takes the title and the message as arguments, so that they are never part of the script. */
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

const countSpawns = (count: number) => `${count} ${count === 1 ? "spawn" : "spawns"}`

/** Reads the outcome of the run from its last event. */
const readOutcome = (event: MillEvent) => {
  switch (event.type) {
    case "run:complete":
      return { outcome: "complete", message: countSpawns(event.payload.result.spawns.length) } as const
    case "run:failed":
      return { outcome: "failed", message: event.payload.message } as const
    case "run:cancelled":
      return { outcome: "cancelled", message: event.payload.reason ?? "" } as const
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
    description: "Notifies you when a run ends.",
    setup: ({ programPath }) =>
      Effect.sync(() => {
        name = programPath.split("/").at(-1) ?? programPath
        if (which(executable) === null) throw new Error(`${executable} is not on PATH`)
      }),
    onEvent: (event) => {
      const end = readOutcome(event)
      if (end === undefined || !on.includes(end.outcome)) return Effect.void
      return Effect.tryPromise(() => send(`mill: ${name} ${end.outcome}`, end.message))
    },
    api: {
      send: async (message) => {
        await send(`mill: ${name}`, String(message))
      },
    },
    docs: {
      send: {
        description: "Shows a notification.",
        type: "(message: string) => Promise<void>",
      },
    },
  })
}
