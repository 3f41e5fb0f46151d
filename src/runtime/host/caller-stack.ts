/** Errors of mill's global that show where the program called it. */

/** Sets the stack of `error` to that of `caller`, an error that the called function made, without that function's own frame. */
export const setCallerStack = <E extends Error>(error: E, caller: Error): E => {
  // `Error.captureStackTrace` leaves no frames of the caller's here, under Bun 1.4.5.
  const frames = (caller.stack ?? "").split("\n").slice(2)
  error.stack = [`${error.name}: ${error.message}`, ...frames].join("\n")
  return error
}
