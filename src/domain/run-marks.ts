/**
 * The environment variables by which a run marks its processes. Programs and agents read them; mill uses them to find what
 * is left of a run. This module imports nothing: the program host loads it.
 */
export const runMarks = { runId: "MILL_RUN_ID", spawnId: "MILL_SPAWN_ID", depth: "MILL_RUN_DEPTH" } as const
