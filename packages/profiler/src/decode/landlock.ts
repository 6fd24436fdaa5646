/** landlock: which rights a set of rules is about, and which a rule gives. */
import { fdText } from './fds.js';
import { flags } from './flags.js';
import * as names from './names/landlock.js';
import { struct, type Structs } from './struct.js';
import { f64, i32, u64 } from './words.js';

const fileAccess = flags(names.LANDLOCK_ACCESS_FS);
const netAccess = flags(names.LANDLOCK_ACCESS_NET);
const scope = flags(names.LANDLOCK_SCOPE);

/** Later kernels know more members. */
function ruleset(bytes: Uint8Array, at: number, size: number): string {
  let text = `{handled_access_fs=${fileAccess(f64(bytes, at))}`;
  if (size >= 16) text += `, handled_access_net=${netAccess(f64(bytes, at + 8))}`;
  if (size >= 24) text += `, scoped=${scope(f64(bytes, at + 16))}`;
  return text + '}';
}

export const landlockStructs: Structs = {
  landlock_ruleset_attr: struct(8, ruleset),
  landlock_path_beneath_attr: struct(
    12,
    (bytes, at) =>
      `{allowed_access=${fileAccess(f64(bytes, at))}, parent_fd=${fdText(i32(bytes, at + 8))}}`,
  ),
  landlock_net_port_attr: struct(
    16,
    (bytes, at) => `{allowed_access=${netAccess(f64(bytes, at))}, port=${u64(bytes, at + 8)}}`,
  ),
};
