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

/* A `data` frame of a piece of memory, if it has any bytes. */
static u8* put_piece(u8* at, u32* frames, i64 delta, int arg, u64 addr, u64 length) {
  const u64 size = length > MAX_REGION ? MAX_REGION : length;
  if (size == 0) return at;
  ++*frames;
  return put_data(at, delta, arg, size, addr, size > DATA_LIMIT ? DATA_LIMIT : size);
}

/* `data` frames of what a vector points to. */
static u8* put_gathered(u8* at, u32* frames, int arg, const struct iovec* vector, u64 count) {
  for (u64 i = 0; i < count; i++)
    if (vector[i].base != 0) at = put_piece(at, frames, 0, arg, vector[i].base, vector[i].length);
  return at;
}

/* `data` frames of a vector, and of what it points to if the kernel reads that. */
static u8* put_vector(u8* at, u32* frames, i64 delta, const struct agent_step* step, u64 addr, u64 count) {
  at = put_piece(at, frames, delta, step->arg, addr, count * sizeof(struct iovec));
  if (step->op != OP_GATHER) return at;
  return put_gathered(at, frames, step->arg, (const struct iovec*)addr, count);
}

static void touch_end(u64 addr, u64 size) { (void)*(volatile const u8*)(addr + size - 1); }

/* Looks at the ends of the pieces that the first `total` bytes have not filled. */
static void touch_vector(u64 addr, u64 count, u64 total) {
  const struct iovec* vector = (const struct iovec*)addr;
  for (u64 i = 0; i < count && i < MAX_VECTOR; i++) {
    if (vector[i].length > total) touch_end(vector[i].base, vector[i].length);
    total -= vector[i].length < total ? vector[i].length : total;
  }
}
