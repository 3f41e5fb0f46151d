/** The paths of a live run's sockets. */
import type { RunId } from "../../domain/ids.schema.ts"

/** The socket on which the worker answers other mill processes. */
export const controlSocket = (socketDir: string, runId: RunId): string => `${socketDir}/${runId}.ctl`

/** The socket between the worker and the program host. */
export const hostSocket = (socketDir: string, runId: RunId): string => `${socketDir}/${runId}.host`
