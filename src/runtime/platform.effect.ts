/** The platform: Effect's services on Bun. The only file that imports the platform packages. */
import * as BunChildProcessSpawner from "@effect/platform-bun/BunChildProcessSpawner"
import * as BunFileSystem from "@effect/platform-bun/BunFileSystem"
import * as BunPath from "@effect/platform-bun/BunPath"
import * as BunStdio from "@effect/platform-bun/BunStdio"
import * as BunTerminal from "@effect/platform-bun/BunTerminal"
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
const bunServices: Layer.Layer<ChildProcessSpawner | FileSystem | Path> = Layer.provideMerge(
  BunChildProcessSpawner.layer,
  Layer.mergeAll(BunFileSystem.layer, BunPath.layer),
)
const standardStreams: Layer.Layer<Stdio | Terminal> = Layer.mergeAll(BunStdio.layer, BunTerminal.layer)

const sockets = Layer.succeed(
  Sockets,
  Sockets.of({
    listen: (path) => NodeSocketServer.make({ path }),
    connect: (path) => NodeSocket.makeNet({ path }),
  }),
)

export type Platform = ChildProcessSpawner | FileSystem | Path | SecureRandom.SecureRandom | Sockets

/** What is as good in a script's process: the standard streams there are the script's, and none of it listens to them. */
export const layer: Layer.Layer<Platform> = Layer.mergeAll(bunServices, sockets, SecureRandom.layerWebCrypto)

/** What a process of mill's own has besides. */
export const processLayer: Layer.Layer<Platform | Stdio | Terminal> = Layer.merge(layer, standardStreams)

export { runMain } from "@effect/platform-node-shared/NodeRuntime"
