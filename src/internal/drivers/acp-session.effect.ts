/**
 * A conversation in the Agent Client Protocol: one session, one prompt. It is held over the process's standard input and
 * output; what the agent says is decoded by its codec, line by line, as with any other agent.
 *
 * Nothing is waited for without end: the agent has so long to open a session and so long to answer. When it has answered,
 * its standard input ends, and it may exit by itself; when it does, its exit code counts as any other's. An agent that
 * stays, as many do, has been asked to end by mill: its answer stands, and its exit code is taken as 0. One that asks and
 * asks without reading what it is answered is given up, since the answers would pile up here.
 */
import type { InitializeRequest, NewSessionRequest, PromptRequest } from "@agentclientprotocol/sdk"
import { type Cause, Deferred, Duration, Effect, Fiber, Option, Queue, Stream } from "effect"
import type { AcpConversation } from "../../domain/acp.schema.ts"
import type { SpawnInput } from "../../domain/driver.schema.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"
import type { ProcessGroup } from "../process/process-group.effect.ts"
import { ProcessExit } from "../process/process-starter.effect.ts"
import { AcpClient, type AcpConnection, type AcpRefused } from "./acp-client.effect.ts"

/** The version of the protocol that mill speaks. */
const protocolVersion = 1

/** How long an agent may take to exit by itself once its standard input has ended, or its standard output has. */
const exitPatience = "1 second"

/** How long an agent may take to end its turn when it is told to; after that it gets SIGTERM as any other. */
const cancelPatience = "500 millis"

/** How many requests of an agent's, and how many bytes of answers to them, may wait for it to read. */
const maxUnread = { answers: 1000, bytes: 8 * 1024 * 1024 }

export type AcpSessionOptions = {
  readonly conversation: AcpConversation
  readonly input: SpawnInput
  readonly cwd: string
  readonly millVersion: string
}

/** How a conversation ended. `exit` is absent when the agent had to be ended before it had answered. */
export type AcpEnd = {
  readonly exit: ProcessExit | undefined
  readonly failure?: SpawnRefused | undefined
}

export type AcpSession = {
  /** What is to be written to the agent. */
  readonly stdin: Stream.Stream<Uint8Array>
  /** Takes what the agent has printed. */
  readonly receive: (lines: ReadonlyArray<string>) => void
  /** Holds the conversation with the process, which has been started with `stdin`. */
  readonly hold: (process: ProcessGroup) => ReturnType<typeof holdConversation>
}

const within = (seconds: number, what: string) =>
  seconds === 0
    ? <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SpawnRefused, R> => self
    : Effect.timeoutOrElse({
        duration: Duration.seconds(seconds),
        orElse: () =>
          Effect.fail(
            new SpawnRefused({ cause: "timeout", message: `the agent did not ${what} within ${seconds} s` }),
          ),
      })

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

type Outgoing = { readonly line: Uint8Array; readonly isAnswer: boolean }

type Talk = {
  readonly connection: AcpConnection
  readonly options: AcpSessionOptions
  /** Ends standard input. */
  readonly hangUp: Effect.Effect<void>
  /** Fails when the agent does not read what it has asked for. */
  readonly overrun: Effect.Effect<never, SpawnRefused>
}

/** Opens a session with the model that was asked for. */
const openSession = Effect.fnUntraced(function* ({ connection, options }: Talk) {
  const { conversation, cwd, input, millVersion } = options
  const initialized = yield* connection.request("initialize", {
    protocolVersion,
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    clientInfo: { name: "mill", version: millVersion },
  } satisfies InitializeRequest)
  const version = fieldOf(initialized, "protocolVersion")
  if (version !== protocolVersion) {
    return yield* new SpawnRefused({
      cause: "codec",
      message: `the agent speaks version ${String(version)} of the Agent Client Protocol; mill speaks ${protocolVersion}`,
    })
  }
  const { authMethod: methodId } = conversation
  if (methodId !== undefined) yield* connection.request("authenticate", { methodId })
  const session = yield* connection.request("session/new", {
    cwd,
    mcpServers: [],
  } satisfies NewSessionRequest)
  const sessionId = fieldOf(session, "sessionId")
  if (typeof sessionId !== "string") {
    return yield* new SpawnRefused({ cause: "codec", message: "the agent opened a session without an id" })
  }
  const choice = yield* Effect.fromResult(conversation.chooseModel(input.model, session))
  if (choice !== undefined) yield* connection.request(choice.method, choice.params)
  return sessionId
})

const holdConversation = Effect.fnUntraced(function* (talk: Talk, process: ProcessGroup) {
  const { connection, hangUp, options, overrun } = talk
  const { handshakeTimeout, prompt, timeout } = options.conversation
  let asked: { readonly sessionId: string; readonly answer: Fiber.Fiber<unknown, AcpRefused> } | undefined
  const turn = Effect.gen(function* () {
    const sessionId = yield* openSession(talk).pipe(within(handshakeTimeout, "open a session"))
    const text = prompt(options.input)
    // It ends with the connection, and so outlives this turn when that is given up.
    const answer = yield* connection
      .request("session/prompt", { sessionId, prompt: [{ type: "text", text }] } satisfies PromptRequest)
      .pipe(Effect.forkDetach)
    asked = { sessionId, answer }
    yield* Fiber.join(answer).pipe(within(timeout, "answer"))
    asked = undefined
  })
  const exited = yield* Effect.forkScoped(process.exit)
  const talking = yield* Effect.forkScoped(Effect.result(Effect.raceFirst(turn, overrun)))

  /** A turn that is given up is cancelled, so that the agent can end what it has begun. */
  const cancelTurn = Effect.suspend(() => {
    if (asked === undefined) return Effect.void
    const { answer, sessionId } = asked
    asked = undefined
    return Effect.andThen(
      connection.notify("session/cancel", { sessionId }),
      Effect.timeoutOption(Effect.raceFirst(Fiber.await(answer), Fiber.await(exited)), cancelPatience),
    )
  })
  // Registered behind all else that it needs, so it runs before that is gone.
  yield* Effect.addFinalizer(() => cancelTurn)

  const exit = Effect.map(Effect.timeoutOption(Fiber.join(exited), exitPatience), Option.getOrUndefined)
  // The agent has gone, or cannot say anything any more.
  const gone = Effect.raceFirst(Fiber.join(exited), Effect.andThen(process.stdoutEnd, exit))
  const over = yield* Effect.raceFirst(
    Effect.map(Fiber.join(talking), (result) => ({ result })),
    Effect.map(gone, (how) => ({ how })),
  )
  if ("how" in over) {
    if (over.how !== undefined) return { exit: over.how } satisfies AcpEnd
    const message = "the agent closed its standard output before it had answered"
    return { exit: undefined, failure: new SpawnRefused({ cause: "codec", message }) } satisfies AcpEnd
  }
  if (over.result._tag === "Success") {
    yield* hangUp
    return { exit: (yield* exit) ?? ProcessExit.Code({ code: 0 }) } satisfies AcpEnd
  }
  const { failure } = over.result
  if (failure._tag === "SpawnRefused") {
    yield* cancelTurn
    yield* hangUp
    return { exit: undefined, failure } satisfies AcpEnd
  }
  yield* hangUp
  const message = `${failure.method}: ${failure.message}`
  return {
    exit: yield* exit,
    failure: new SpawnRefused({ cause: "agent-error", message }),
  } satisfies AcpEnd
})

/** A conversation that has not begun. It ends with the scope. */
export const makeAcpSession = Effect.fnUntraced(function* (options: AcpSessionOptions) {
  const { conversation } = options
  const outgoing = yield* Queue.unbounded<Outgoing, Cause.Done>()
  const overrun = yield* Deferred.make<never, SpawnRefused>()
  const encoder = new TextEncoder()
  /** Of the agent's requests, those whose answers it has not taken, and the answers that wait for that. */
  const unread = { answers: 0, bytes: 0 }
  const count = (answers: number, bytes: number) => {
    unread.answers += answers
    unread.bytes += bytes
    if (unread.answers <= maxUnread.answers && unread.bytes <= maxUnread.bytes) return
    const message = "the agent makes requests without end and does not read the answers"
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
  const hangUp = Effect.asVoid(Queue.end(outgoing))
  return {
    stdin: Stream.map(Stream.fromQueue(outgoing), ({ isAnswer, line }) => {
      if (isAnswer) count(-1, -line.length)
      return line
    }),
    receive: (lines) => {
      for (const line of lines) {
        // Nobody waits for what it asks now.
        if (Deferred.isDoneUnsafe(overrun)) return
        const message = conversation.message(line)
        if (message === undefined) continue
        if ("method" in message) count(1, 0)
        connection.receive(message)
      }
    },
    hold: (process) =>
      holdConversation({ connection, options, hangUp, overrun: Deferred.await(overrun) }, process),
  } satisfies AcpSession
})
