/** The types of a configuration, as its author sees them. */
import type { Codec } from "../domain/driver.schema.ts"
import type { HttpCodec } from "../domain/http-codec.schema.ts"
import type { ExtensionOnEvent, ExtensionSetup, FunctionDoc } from "../domain/extension.schema.ts"

/** An agent that is a command. */
export interface ProcessDriverOptions {
  /** What it is for: `mill --help --json` tells it to whoever writes programs. */
  readonly description?: string
  /** A name to be found on PATH, or a path. Never a shell line. */
  readonly command: string
  /** Given before the arguments that the codec adds. */
  readonly args?: ReadonlyArray<string>
  /** The agent's dialect, for example `claudeCodec()`. */
  readonly codec: Codec
  /** Added to the environment that the agent inherits. Only the names are ever written to disk. */
  readonly env?: Readonly<Record<string, string>>
  /** The agent's working directory; the submitter's when absent. */
  readonly cwd?: string
  /** The longest line that is decoded, in bytes: 16 MiB when absent. Longer ones are dropped and counted. */
  readonly maxLineBytes?: number
  /** Seconds that this agent may take to end after SIGTERM, before SIGKILL; the configuration's when absent. */
  readonly cancelGrace?: number
}

/** What `processDriver` gives. */
export interface ProcessDriver extends ProcessDriverOptions {
  readonly type: "process"
}

/** An agent that is an HTTP API, of a vendor or of a server of one's own. */
export interface HttpDriverOptions {
  /** What it is for: `mill --help --json` tells it to whoever writes programs. */
  readonly description?: string
  /** The endpoint, or the base of it that the vendor's own libraries take. No credentials: it is told and written down. */
  readonly url: string
  /** The API's dialect, for example `anthropicMessagesCodec()`. */
  readonly codec: HttpCodec
  /**
   * The environment variable that holds the key, which is read when it is needed and written nowhere. It goes into the
   * header that the codec names, or into `header`; in `authorization`, `Bearer` is put before it.
   */
  readonly apiKey?: { readonly env: string; readonly header?: string }
  /** Sent with each request: values, or environment variables that hold them. Only names are written to the plan. */
  readonly headers?: Readonly<Record<string, string | { readonly env: string }>>
  /** Seconds that a spawn may take; no limit when absent. */
  readonly timeout?: number
  /** How often a server that is busy (429, 503, 529) is asked again, within two minutes: 3 when absent. */
  readonly maxRetries?: number
  /** The longest event that is decoded: 16 Mi characters when absent. A longer one fails the spawn. */
  readonly maxLineBytes?: number
}

/** What `httpDriver` gives. */
export interface HttpDriver extends HttpDriverOptions {
  readonly type: "http"
}

/** What `directExecutor` gives. */
export interface DirectExecutor {
  readonly type: "direct"
}

/** Options of an executor whose programs run in a sandbox: without network, and with nothing to read but their own files. */
export interface VmExecutorOptions {
  /** What makes the sandbox: bubblewrap when absent. */
  readonly runtime?: "bubblewrap" | "docker" | "podman"
  /** The runtime's executable, by name or path; its own name when absent. */
  readonly command?: string
  /** The image for docker or podman, with glibc in it; mill brings all else along. */
  readonly image?: string
  /** Names of variables of the submitter's that the program finds in its environment. */
  readonly env?: ReadonlyArray<string>
  /** More variables, with their values. Only the names are in the plan. */
  readonly setEnv?: Readonly<Record<string, string>>
  /** More files and folders that the program may read. */
  readonly readable?: ReadonlyArray<string>
  /** The most memory, in MiB: docker and podman only. */
  readonly memory?: number
  /** The most processes at a time: docker and podman only. */
  readonly processes?: number
}

/** What `vmExecutor` gives. */
export interface VmExecutor extends VmExecutorOptions {
  readonly type: "vm"
}

/** Takes and gives JSON; a rejection rejects the program's call. */
export type ExtensionFunction = (...args: ReadonlyArray<unknown>) => Promise<unknown>

/** Hooks on runs, and functions for programs, which find them under `mill.<name>`. */
export interface Extension {
  /** As variables are named; not one that `mill` has already. */
  readonly name: string
  readonly description?: string
  /** Called once in the run's worker, before the program starts. What it acquires is released at the run's end. */
  readonly setup?: ExtensionSetup
  /** Called for each event of the run's log, one at a time. It never holds up the run. */
  readonly onEvent?: ExtensionOnEvent
  /** Functions of the program's `mill.<name>`; they run in the worker, take and give JSON. */
  readonly api?: Readonly<Record<string, ExtensionFunction>>
  /** What those functions are for and their TypeScript types, by name: `mill --help` and `mill init` tell them. */
  readonly docs?: Readonly<Record<string, FunctionDoc>>
}

/** The default export of `mill.config.ts`. */
export interface MillConfig {
  /** The driver that serves a run's spawns when `--driver` says nothing. */
  readonly defaultDriver?: string
  /** The executor that runs programs when `--executor` says nothing: `direct` when absent. */
  readonly defaultExecutor?: string
  /** Drivers by name, beside the built-in `claude`, `pi`, `codex` and `offline`; the same name replaces one. */
  readonly drivers?: Readonly<Record<string, ProcessDriver | HttpDriver>>
  /** Executors by name, beside the built-in `direct` and `vm`; the same name replaces one. */
  readonly executors?: Readonly<Record<string, DirectExecutor | VmExecutor>>
  /** What whoever writes programs should know, for example which model is for what: `mill --help` tells it. */
  readonly authoring?: { readonly instructions?: string }
  readonly extensions?: ReadonlyArray<Extension>
  /** Whether `mill run` shows the program in a terminal and asks: true when absent. */
  readonly confirm?: boolean
  /** Seconds that processes may take to end after SIGTERM, before SIGKILL: 5 when absent. */
  readonly cancelGrace?: number
  /** How many levels of runs may be started inside a run: 1 when absent. */
  readonly maxRunDepth?: number
}
