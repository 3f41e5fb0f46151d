#!/usr/bin/env bun
/** The process: loads what was asked for, and nothing else. */
import "../runtime/bun/startup.ts"
import * as Effect from "effect/Effect"
import { readTerminalSize } from "../runtime/bun/standard-streams.ts"
import { runMain } from "../runtime/main.effect.ts"
import { processLayer, writeErr, writeOut } from "../runtime/platform/platform.effect.ts"

const offlineAgent = Effect.flatMap(
  Effect.promise(() => import("../runtime/offline/offline-agent.effect.ts")),
  ({ offlineAgent: agent }) => agent,
)

const scriptedAgent = (socket: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../runtime/testing/scripted-agent.effect.ts")),
    ({ scriptedAgent: agent }) => agent(socket),
  )

const worker = Effect.flatMap(
  Effect.all([
    Effect.promise(() => import("../public/engine.api.ts")),
    Effect.promise(() => import("../runtime/worker.effect.ts")),
  ]),
  ([{ millPackage }, { worker: work }]) => work(process.argv, millPackage),
)

const surroundings = {
  argv: process.argv.slice(2),
  color: process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === "",
  debug: process.env["MILL_DEBUG"] === "1",
  stdoutSize: () => readTerminalSize(1),
  stderrSize: () => readTerminalSize(2),
  writeOut,
  writeErr,
  onInterrupt: (call: () => void) => {
    process.once("SIGINT", call)
    return () => void process.off("SIGINT", call)
  },
}
const commandLine = Effect.flatMap(
  Effect.promise(() => import("../cli/main.command.ts")),
  ({ main }) => main(surroundings),
)

const [first, second = ""] = surroundings.argv
const asked = () => {
  if (first === "_worker") return Effect.provide(worker, processLayer)
  if (first === "_offline-agent") return Effect.provide(offlineAgent, processLayer)
  if (first === "_scripted-agent") return Effect.provide(scriptedAgent(second), processLayer)
  return Effect.provide(commandLine, processLayer)
}

runMain(asked())
