/* Calls with an array of struct iovec. */

struct region {
  u64 addr, size;
};

struct iovec {
  u64 base, length;
};

/* Adds the first `total` bytes of what a vector points to. */
static u32 spread(struct region* regions, u32 known, u64 addr, u64 count, i64 total) {
  const struct iovec* vector = (const struct iovec*)addr;
  u64 left = total > 0 ? (u64)total : 0;
  for (u64 i = 0; i < count && left > 0; i++) {
    const u64 size = vector[i].length < left ? vector[i].length : left;
    left -= size;
    if (size == 0 || vector[i].base == 0) continue;
    regions[known].addr = vector[i].base;
    regions[known].size = size;
    known++;
  }
  return known;
}

/* `data` frames of a vector, and of what it points to if the kernel reads that. */
static u8* put_vector(u8* at, u32* frames, i64 delta, const struct agent_step* step, u64 addr, u64 count) {
  if (count == 0) return at;
  const u64 bytes = count * sizeof(struct iovec);
  at = put_data(at, delta, step->arg, bytes, addr, bytes > DATA_LIMIT ? DATA_LIMIT : bytes);
  ++*frames;
  if (step->op != OP_GATHER) return at;
  const struct iovec* vector = (const struct iovec*)addr;
  for (u64 i = 0; i < count; i++) {
    const u64 size = vector[i].length > MAX_REGION ? MAX_REGION : vector[i].length;
    if (size == 0 || vector[i].base == 0) continue;
    at = put_data(at, 0, step->arg, size, vector[i].base, size > DATA_LIMIT ? DATA_LIMIT : size);
    ++*frames;
  }
  return at;
}
