/**
 * The client of the Agent Client Protocol, by its SDK (`@agentclientprotocol/sdk` 2.4.0). Lines are split by the driver
 * and not by the SDK's `ndJsonStream`, which answers each line that is no JSON with an error, and gives a connection up
 * when a line is too long: what an adapter prints besides the protocol is nobody's business.
 */
import type { AnyMessage } from "@agentclientprotocol/sdk"
import { Effect, Layer } from "effect"
import { AcpClient, AcpRefused } from "../../internal/drivers/acp-client.effect.ts"
import { loadAcpSdk } from "./module-loader.effect.ts"

/** The SDK checks each message by itself, and passes over what is none. */
const isMessage = (message: object): message is AnyMessage => "jsonrpc" in message

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Parameters as they are: an adapter may be of another age than the SDK. */
const unchecked = (params: unknown): unknown => params

export const layer = Layer.succeed(
  AcpClient,
  AcpClient.of({
    connect: Effect.fn("AcpClient.connect")(function* ({ permission, send }) {
      const { client, methods } = yield* loadAcpSdk
      const app = client({ name: "mill" }).onRequest(
        methods.client.session.requestPermission,
        unchecked,
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
            catch: (error) => new AcpRefused({ method, message: reasonOf(error) }),
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
