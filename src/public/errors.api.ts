/** The errors that mill's methods are rejected with, or fail with. */
export {
  ConfigError,
  IllegalLine,
  LaunchError,
  ProgramError,
  RunNotFound,
  StoreError,
  UnsupportedVersion,
  UsageError,
  WaitTimeout,
} from "../domain/error.schema.ts"
