#!/usr/bin/env bun
/** The process: loads what was asked for, and nothing else. */
import * as Effect from "effect/Effect"
import { runMain } from "../runtime/main.effect.ts"
import { processLayer } from "../runtime/platform.effect.ts"

const offlineAgent = Effect.flatMap(
  Effect.promise(() => import("../runtime/offline-agent.effect.ts")),
  ({ offlineAgent: agent }) => agent,
)

const scriptedAgent = (socket: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../runtime/scripted-agent.effect.ts")),
    ({ scriptedAgent: agent }) => agent(socket),
  )

const sizeOf = ({ columns, isTTY, rows }: Pick<typeof process.stdout, "columns" | "isTTY" | "rows">) =>
  isTTY ? { columns: columns || 80, rows: rows || 24 } : undefined

const surroundings = {
  argv: process.argv.slice(2),
  color: process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === "",
  debug: process.env["MILL_DEBUG"] === "1",
  stdoutSize: () => sizeOf(process.stdout),
  stderrSize: () => sizeOf(process.stderr),
  writeOut: (text: string, done: (error?: unknown) => void) => process.stdout.write(text, done),
  onInterrupt: (call: () => void) => {
    process.once("SIGINT", call)
    return () => void process.off("SIGINT", call)
  },
  writeErr: (text: string, done: (error?: unknown) => void) => process.stderr.write(text, done),
}
const commandLine = Effect.flatMap(
  Effect.promise(() => import("../cli/main.command.ts")),
  ({ main }) => main(surroundings),
)

const [first, second = ""] = surroundings.argv
const asked = () => {
  if (first === "_offline-agent") return Effect.provide(offlineAgent, processLayer)
  if (first === "_scripted-agent") return Effect.provide(scriptedAgent(second), processLayer)
  return Effect.provide(commandLine, processLayer)
}

runMain(asked())
