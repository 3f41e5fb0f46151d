#!/usr/bin/env bun
/** The `mill` process: the command line, or one of the processes that mill starts. Each loads its modules on use. */
import "../runtime/bun/startup.ts"
import * as Effect from "effect/Effect"
import type { ProcessStreams } from "../cli/output.ts"
import { doesReflow, muteKeyboard, readTerminalSize } from "../runtime/bun/standard-streams.ts"
import { runMain } from "../runtime/main.effect.ts"
import { processLayer, writeStderr, writeStdout } from "../runtime/platform/platform.effect.ts"

const offlineAgent = Effect.flatMap(
  Effect.promise(() => import("../runtime/offline-agent.effect.ts")),
  ({ offlineAgent: agent }) => agent,
)

const scriptedAgent = (socket: string) =>
  Effect.flatMap(
    Effect.promise(() => import("../runtime/scripted-agent.effect.ts")),
    ({ scriptedAgent: agent }) => agent(socket),
  )

const worker = Effect.flatMap(
  Effect.all([
    Effect.promise(() => import("../public/engine.api.ts")),
    Effect.promise(() => import("../runtime/worker.effect.ts")),
  ]),
  ([{ millPackage }, { worker: work }]) => work(process.argv, millPackage),
)

const streams: ProcessStreams = {
  argv: process.argv.slice(2),
  color: process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === "",
  debug: process.env["MILL_DEBUG"] === "1",
  stdoutSize: () => readTerminalSize(1),
  stderrSize: () => readTerminalSize(2),
  writeOut: writeStdout,
  writeErr: writeStderr,
  terminal: {
    muteKeyboard,
    onResize: (listener) => {
      process.on("SIGWINCH", listener)
      return () => void process.off("SIGWINCH", listener)
    },
    doesReflow: doesReflow(process.env),
  },
  onInterrupt: (listener) => {
    process.once("SIGINT", listener)
    return () => void process.off("SIGINT", listener)
  },
}

const commandLine = Effect.flatMap(
  Effect.promise(() => import("../cli/main.command.ts")),
  ({ main }) => main(streams),
)

const [first, second = ""] = streams.argv
const chooseProcess = () => {
  if (first === "_worker") return Effect.provide(worker, processLayer)
  if (first === "_offline-agent") return Effect.provide(offlineAgent, processLayer)
  if (first === "_scripted-agent") return Effect.provide(scriptedAgent(second), processLayer)
  return Effect.provide(commandLine, processLayer)
}

runMain(chooseProcess())
