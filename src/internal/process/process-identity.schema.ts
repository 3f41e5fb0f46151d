import { Schema } from "effect"

/**
 * Names one process for good: the system may give its pid to another process later, but not with the same start time.
 * On Linux the start time is the boot's id and clock ticks since boot, from /proc; elsewhere it is what
 * `ps -o lstart=` prints (whole seconds).
 */
export const ProcessIdentity = Schema.Struct({ pid: Schema.Int, startTime: Schema.String })
export type ProcessIdentity = typeof ProcessIdentity.Type

/** The largest file with the identity of a process that is read. */
export const maxIdentityBytes = 4096
