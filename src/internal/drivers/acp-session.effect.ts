/**
 * The two ends of an agent's pipes in the Agent Client Protocol: messages written to standard input, and lines read from
 * standard output. The agent's output is also decoded by its codec, like that of any other agent.
 *
 * Memory is bounded: an agent that keeps sending requests without reading the responses is abandoned.
 */
import { type Cause, Deferred, Effect, Queue, Stream } from "effect"
import { SpawnRefused } from "../../domain/error.schema.ts"
import type { StartedProcess } from "../process/started-process.ts"
import { AcpClient } from "./acp-client.effect.ts"
import { type AcpSpawn, holdConversation } from "./acp-conversation.effect.ts"

/** Limits on the agent's requests with unread responses: their number, and the size of the responses in bytes. */
const maxUnread = { answers: 1000, bytes: 8 * 1024 * 1024 }

type Outgoing = { readonly line: Uint8Array; readonly isAnswer: boolean }

/** Prepares a conversation; it starts with `hold` and ends with the scope. */
export const makeAcpSession = Effect.fnUntraced(function* (spawn: AcpSpawn) {
  const { conversation } = spawn
  const outgoing = yield* Queue.unbounded<Outgoing, Cause.Done>()
  const overrun = yield* Deferred.make<never, SpawnRefused>()
  const encoder = new TextEncoder()
  /** Requests whose answers the agent has not read, and the bytes of those answers. */
  const unread = { answers: 0, bytes: 0 }
  const count = (answers: number, bytes: number) => {
    unread.answers += answers
    unread.bytes += bytes
    if (unread.answers <= maxUnread.answers && unread.bytes <= maxUnread.bytes) return
    const message = "the agent keeps sending requests without reading the responses"
    Deferred.doneUnsafe(overrun, Effect.fail(new SpawnRefused({ cause: "agent-error", message })))
  }
  const connection = yield* (yield* AcpClient).connect({
    send: (message) => {
      const line = encoder.encode(`${JSON.stringify(message)}\n`)
      const isAnswer = !("method" in message)
      if (isAnswer) count(0, line.length)
      Queue.offerUnsafe(outgoing, { line, isAnswer })
    },
    permission: conversation.permission,
  })
  const endStdin = Effect.asVoid(Queue.end(outgoing))
  return {
    /** The bytes to write to the agent. */
    stdin: Stream.map(Stream.fromQueue(outgoing), ({ isAnswer, line }) => {
      if (isAnswer) count(-1, -line.length)
      return line
    }),
    /** Handles lines that the agent has printed. */
    receive: (lines: ReadonlyArray<string>) => {
      for (const line of lines) {
        // The agent has been abandoned: its requests need no responses.
        if (Deferred.isDoneUnsafe(overrun)) return
        const message = conversation.message(line)
        if (message === undefined) continue
        if ("method" in message) count(1, 0)
        connection.receive(message)
      }
    },
    /** Holds the conversation with the process, which was started with `stdin`. */
    hold: (process: StartedProcess) =>
      holdConversation({ connection, spawn, endStdin, overrun: Deferred.await(overrun) }, process),
  }
})
