/**
 * Reads and writes logs: the frames, the table of system calls, the codec. Needs nothing of the machine that recorded.
 *
 * @module @scribe-ts/tracelog
 */
export type * from './schema/frames.js';
export type * from './schema/header.js';
export {
  LogContentError,
  LogCorruptError,
  LogError,
  LogWriteError,
  NotALogError,
  UnsupportedFormatError,
  type LogErrorCode,
} from './errors.js';
export { openLog, type LogReader, type LogStats, type OpenOptions } from './reader.js';
export { followLog, type FollowEnd, type FollowOptions, type LogFollower } from './follow.js';
export { decodeFrames, type EncodedFrames, type StreamCursor } from './cursor.js';
export { BackgroundCompressor } from './compression.js';
export { contentPath } from './contents.js';
export { type LogRecord } from './merge.js';
export { type FrameFilter } from './filter.js';
export {
  LogWriter,
  type CloseOptions,
  type Loan,
  type LogWriterOptions,
  type NewLogHeader,
} from './writer.js';
export { rewriteLog, type RewriteOptions, type Transform } from './rewrite.js';
export { FORMAT_MAJOR, FORMAT_MINOR, MAGIC, type Bookmark, type Content } from './framing.js';
export { FRAME_TABLE, FRAME_TYPES, FIRST_OPTIONAL_CODE } from './frame-table.js';
export {
  encodeFile,
  type EncodedFile,
  encodeResource,
  type EncodedResource,
  MAX_FRAME_BYTES,
} from './codec.js';
export { type ConnectionInRun, connectionsInRun, countRun, type RunContent } from './run.js';
export type * from './schema/syscalls/types.js';
export { syscallByName, syscallRows, syscallTable } from './schema/syscalls/index.js';
export {
  hasEntry,
  hasIn,
  hasInBesideStrings,
  hasOut,
  inRegions,
  MAX_REGION_BYTES,
  outRegions,
  readEntry,
  type RegionSink,
} from './schema/syscalls/regions.js';
export { outPieces, type OutPiece } from './schema/syscalls/pieces.js';
export {
  specialDecoders,
  specialRegions,
  unsupportedSockopt,
  type Peek,
  type Region,
  type RegionContext,
  type RegionPart,
} from './schema/syscalls/special.js';
export {
  ioctlInfo,
  ioctlRegions,
  knownIoctls,
  unsupportedIoctl,
  type IoctlInfo,
} from './schema/syscalls/ioctls.js';
