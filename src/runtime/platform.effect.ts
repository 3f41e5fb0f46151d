/** The platform: Effect's services on Bun. The only file that imports the platform packages. */
import * as BunServices from "@effect/platform-bun/BunServices"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node-shared/NodeSocketServer"
import { Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { FileSystem } from "effect/FileSystem"
import type { Path } from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type { Stdio } from "effect/Stdio"
import type { Terminal } from "effect/Terminal"
import { Sockets } from "../internal/process/sockets.effect.ts"

// The package was built against another release, whose types do not name these services: say which they are.
const bunServices: Layer.Layer<ChildProcessSpawner | FileSystem | Path | Stdio | Terminal> = BunServices.layer

const sockets = Layer.succeed(
  Sockets,
  Sockets.of({
    listen: (path) => NodeSocketServer.make({ path }),
    connect: (path) => NodeSocket.makeNet({ path }),
  }),
)

export type Platform =
  | ChildProcessSpawner
  | FileSystem
  | Path
  | SecureRandom.SecureRandom
  | Sockets
  | Stdio
  | Terminal

export const layer: Layer.Layer<Platform> = Layer.mergeAll(bunServices, sockets, SecureRandom.layerWebCrypto)

export { runMain } from "@effect/platform-node-shared/NodeRuntime"
