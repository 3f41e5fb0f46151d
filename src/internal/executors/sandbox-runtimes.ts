/** The runtimes that make sandboxes: their commands, how to install them, and what they can do. */
import type { SandboxRuntime, VmExecutorConfig } from "../../domain/config.schema.ts"

type RuntimeFacts = {
  readonly title: string
  readonly command: string
  /** The hint when the command is missing. */
  readonly install: string
  readonly needsImage: boolean
  /** Whether it can limit memory and the number of processes. */
  readonly limits: boolean
}

const runtimes: Readonly<Record<SandboxRuntime, RuntimeFacts>> = {
  bubblewrap: {
    title: "bubblewrap",
    command: "bwrap",
    install: "install the package bubblewrap, on Debian and Ubuntu: apt-get install bubblewrap (Linux only)",
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

export const findRuntimeFacts = ({ runtime = "bubblewrap" }: VmExecutorConfig): RuntimeFacts =>
  runtimes[runtime]
