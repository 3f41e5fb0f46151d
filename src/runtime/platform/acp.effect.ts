/**
 * The client of the Agent Client Protocol, on its SDK (`@agentclientprotocol/sdk` 2.4.0). The driver splits the lines, not
 * the SDK's `ndJsonStream`: that one answers each line that is not JSON with an error and drops a connection with an
 * overlong line, but an adapter may print text besides the protocol.
 */
import type { AnyMessage } from "@agentclientprotocol/sdk"
import { Effect, Layer } from "effect"
import { AcpClient, AcpRefused } from "../../internal/drivers/acp-client.effect.ts"
import { loadAcpSdk } from "./module-loader.effect.ts"

/** The SDK validates each message and ignores invalid ones. */
const isMessage = (message: object): message is AnyMessage => "jsonrpc" in message

const formatError = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Passes parameters on as they are: an adapter may be older or newer than the SDK. */
const skipCheck = (params: unknown): unknown => params

export const layer = Layer.succeed(
  AcpClient,
  AcpClient.of({
    connect: Effect.fn("AcpClient.connect")(function* ({ permission, send }) {
      const { client, methods } = yield* loadAcpSdk
      const app = client({ name: "mill" }).onRequest(
        methods.client.session.requestPermission,
        skipCheck,
        ({ params }) => permission(params),
      )
      let incoming: ReadableStreamDefaultController<AnyMessage> | undefined
      const readable = new ReadableStream<AnyMessage>({
        start: (controller) => {
          incoming = controller
        },
      })
      const writable = new WritableStream<AnyMessage>({ write: send })
      const { agent } = yield* Effect.acquireRelease(
        Effect.sync(() => app.connect({ readable, writable })),
        (connection) => Effect.sync(() => connection.close()),
      )
      return {
        request: (method, params) =>
          Effect.tryPromise({
            try: () => agent.request<unknown, object>(method, params),
            catch: (error) => new AcpRefused({ method, message: formatError(error) }),
          }),
        notify: (method, params) =>
          Effect.ignore(Effect.tryPromise(() => agent.notify<object>(method, params))),
        receive: (message) => {
          if (isMessage(message)) incoming?.enqueue(message)
        },
      }
    }),
  }),
)
