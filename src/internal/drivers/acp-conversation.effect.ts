/**
 * A conversation in the Agent Client Protocol: one session, one prompt.
 *
 * Opening the session, answering and exiting have time limits. After the answer, mill closes the agent's standard input. If
 * the agent then exits, its exit code counts as usual. Many agents keep running: mill terminates such an agent, keeps its
 * answer and takes its exit code to be 0.
 */
import type { InitializeRequest, NewSessionRequest, PromptRequest } from "@agentclientprotocol/sdk"
import { Duration, Effect, Fiber, Option, Predicate } from "effect"
import type { AcpConversation } from "../../domain/acp.schema.ts"
import type { SpawnInput } from "../../domain/driver.schema.ts"
import { SpawnRefused } from "../../domain/error.schema.ts"
import { ProcessExit, type StartedProcess } from "../process/started-process.ts"
import type { AcpConnection, AcpRefused } from "./acp-client.effect.ts"

/** The version of the protocol that mill supports. */
const protocolVersion = 1

/** How long an agent may take to exit after its standard input or output has ended. */
const exitTimeout = "1 second"

/** How long an agent may take to end a cancelled turn; after that it gets SIGTERM like any other agent. */
const cancelTimeout = "500 millis"

/** A spawn whose agent speaks the protocol. */
export type AcpSpawn = {
  readonly conversation: AcpConversation
  readonly input: SpawnInput
  readonly cwd: string
  readonly millVersion: string
}

/** How a conversation ended. `exit` is absent when mill had to end the agent before it had answered. */
export type AcpEnd = {
  readonly exit: ProcessExit | undefined
  readonly failure?: SpawnRefused | undefined
  /** The model of the conversation, as the agent names it. */
  readonly model?: string | undefined
}

/** The pipes of a conversation. */
export type AcpPipes = {
  readonly connection: AcpConnection
  readonly spawn: AcpSpawn
  readonly endStdin: Effect.Effect<void>
  /** Fails when the agent does not read the answers to its requests. */
  readonly overrun: Effect.Effect<never, SpawnRefused>
}

const refuse = (cause: SpawnRefused["cause"], message: string) => new SpawnRefused({ cause, message })

/** Fails when the agent takes longer than `seconds`; 0 is no limit. */
const limitTime = (seconds: number, action: string) =>
  seconds === 0
    ? <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SpawnRefused, R> => self
    : Effect.timeoutOrElse({
        duration: Duration.seconds(seconds),
        orElse: () => Effect.fail(refuse("timeout", `the agent did not ${action} within ${seconds} s`)),
      })

const readField = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

/** Opens a session with the model of the spawn, and returns its id and model. */
const openSession = Effect.fnUntraced(function* (connection: AcpConnection, spawn: AcpSpawn) {
  const { conversation, cwd, input, millVersion } = spawn
  const initialized = yield* connection.request("initialize", {
    protocolVersion,
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    clientInfo: { name: "mill", version: millVersion },
  } satisfies InitializeRequest)
  const version = readField(initialized, "protocolVersion")
  if (version !== protocolVersion) {
    return yield* refuse(
      "codec",
      `the agent uses version ${String(version)} of the Agent Client Protocol; mill supports version ${protocolVersion}`,
    )
  }
  const { authMethod: methodId } = conversation
  if (methodId !== undefined) yield* connection.request("authenticate", { methodId })
  const session = yield* connection.request("session/new", {
    cwd,
    mcpServers: [],
  } satisfies NewSessionRequest)
  const sessionId = readField(session, "sessionId")
  if (typeof sessionId !== "string") return yield* refuse("codec", "the agent opened a session without an id")
  const choice = yield* Effect.fromResult(conversation.chooseModel(input.model, session))
  const { model, request } = choice
  if (request !== undefined) yield* connection.request(request.method, request.params)
  return { model, sessionId }
})

/** Holds the conversation with a process that has been started. */
export const holdConversation = Effect.fnUntraced(function* (pipes: AcpPipes, process: StartedProcess) {
  const { connection, endStdin, overrun, spawn } = pipes
  const { handshakeTimeout, prompt, timeout } = spawn.conversation
  let pending: { readonly sessionId: string; readonly answer: Fiber.Fiber<unknown, AcpRefused> } | undefined
  let model: string | undefined
  const turn = Effect.gen(function* () {
    const { sessionId, ...session } = yield* openSession(connection, spawn).pipe(
      limitTime(handshakeTimeout, "open a session"),
    )
    model = session.model
    const text = prompt(spawn.input)
    // Detached, so that an abandoned turn can still wait for the agent to end it. It ends with the connection.
    const answer = yield* connection
      .request("session/prompt", { sessionId, prompt: [{ type: "text", text }] } satisfies PromptRequest)
      .pipe(Effect.forkDetach)
    pending = { sessionId, answer }
    yield* Fiber.join(answer).pipe(limitTime(timeout, "answer"))
    pending = undefined
  })
  const exited = yield* Effect.forkScoped(process.exit)
  const turnResult = yield* Effect.forkScoped(Effect.result(Effect.raceFirst(turn, overrun)))

  /** Cancels an abandoned turn, so that the agent can end what it has started. */
  const cancelTurn = Effect.suspend(() => {
    if (pending === undefined) return Effect.void
    const { answer, sessionId } = pending
    pending = undefined
    return Effect.andThen(
      connection.notify("session/cancel", { sessionId }),
      Effect.timeoutOption(Effect.raceFirst(Fiber.await(answer), Fiber.await(exited)), cancelTimeout),
    )
  })
  // Registered last, so it runs first, while the process and the connection are still there.
  yield* Effect.addFinalizer(() => cancelTurn)

  const exit = Effect.map(Effect.timeoutOption(Fiber.join(exited), exitTimeout), Option.getOrUndefined)
  // The agent has exited, or can print nothing more.
  const gone = Effect.raceFirst(Fiber.join(exited), Effect.andThen(process.stdoutEnd, exit))
  const first = yield* Effect.raceFirst(
    Effect.map(Fiber.join(turnResult), (result) => ({ result })),
    Effect.map(gone, (exit) => ({ exit })),
  )
  if ("exit" in first) {
    if (first.exit !== undefined) return { exit: first.exit, model } satisfies AcpEnd
    const message = "the agent closed its standard output before answering"
    return { exit: undefined, failure: refuse("codec", message), model } satisfies AcpEnd
  }
  if (first.result._tag === "Success") {
    yield* endStdin
    return { exit: (yield* exit) ?? ProcessExit.Code({ code: 0 }), model } satisfies AcpEnd
  }
  const { failure } = first.result
  if (failure._tag === "SpawnRefused") {
    yield* cancelTurn
    yield* endStdin
    return { exit: undefined, failure, model } satisfies AcpEnd
  }
  yield* endStdin
  return {
    exit: yield* exit,
    failure: refuse("agent-error", `${failure.method}: ${failure.message}`),
    model,
  } satisfies AcpEnd
})
