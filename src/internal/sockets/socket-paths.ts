/** Where a live run's sockets are. */
import type { RunId } from "../../domain/ids.schema.ts"

/** Where a run's control socket is. */
export const controlSocket = (socketDir: string, runId: RunId): string => `${socketDir}/${runId}.ctl`

/** Where a run's worker and its program's process talk. */
export const hostSocket = (socketDir: string, runId: RunId): string => `${socketDir}/${runId}.host`
