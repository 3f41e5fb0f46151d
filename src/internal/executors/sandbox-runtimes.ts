/**
 * The runtimes that create sandboxes. Docker and podman require an image; bubblewrap uses none and cannot limit resources.
 */
import type { SandboxRuntime } from "../../domain/config.schema.ts"

/** The command of each runtime, and the hint when the command is missing. */
export const sandboxRuntimes: Readonly<
  Record<SandboxRuntime, { readonly command: string; readonly install: string }>
> = {
  bubblewrap: {
    command: "bwrap",
    install: "install the package bubblewrap, on Debian and Ubuntu: apt-get install bubblewrap (Linux only)",
  },
  docker: {
    command: "docker",
    install: "install Docker Engine, on Debian and Ubuntu: apt-get install docker.io",
  },
  podman: {
    command: "podman",
    install: "install the package podman, on Debian and Ubuntu: apt-get install podman",
  },
}
