/** The programs that make sandboxes: what they are called, where they come from, and what they can do. */
import type { SandboxRuntime, VmExecutorConfig } from "../../domain/config.schema.ts"

type RuntimeFacts = {
  readonly title: string
  readonly command: string
  /** What to do where it is missing. */
  readonly install: string
  readonly needsImage: boolean
  /** Whether it can bound memory and the number of processes. */
  readonly limits: boolean
}

const runtimes: Readonly<Record<SandboxRuntime, RuntimeFacts>> = {
  bubblewrap: {
    title: "bubblewrap",
    command: "bwrap",
    install:
      "install the package bubblewrap, on Debian and Ubuntu: apt-get install bubblewrap (it is for Linux alone)",
    needsImage: false,
    limits: false,
  },
  docker: {
    title: "docker",
    command: "docker",
    install: "install Docker Engine, on Debian and Ubuntu: apt-get install docker.io",
    needsImage: true,
    limits: true,
  },
  podman: {
    title: "podman",
    command: "podman",
    install: "install the package podman, on Debian and Ubuntu: apt-get install podman",
    needsImage: true,
    limits: true,
  },
}

export const runtimeOf = ({ runtime = "bubblewrap" }: VmExecutorConfig): RuntimeFacts => runtimes[runtime]
