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
    install: "install the bubblewrap package (Linux only); on Debian and Ubuntu: apt-get install bubblewrap",
  },
  docker: {
    command: "docker",
    install: "install Docker Engine; on Debian and Ubuntu: apt-get install docker.io",
  },
  podman: {
    command: "podman",
    install: "install the podman package; on Debian and Ubuntu: apt-get install podman",
  },
}
