/* The log's encoding: packages/tracelog/FORMAT.md has it. */

/* How many bytes follow the first one of a number above 0x7f. */
static inline int bytes_after_first(u64 value) {
  const int bits = 64 - __builtin_clzl(value);
  return bits > 56 ? 8 : (bits - 1) / 7;
}

/* Stores up to 6 bytes more than the number has: there must be room. */
static inline u8* put_uint(u8* at, u64 value) {
  if (value < 0x80) {
    *at = (u8)value;
    return at + 1;
  }
  const int follow = bytes_after_first(value);
  if (follow == 8) {
    *at++ = 0xff;
    *(u64*)at = __builtin_bswap64(value);
    return at + 8;
  }
  const u64 marked = value | (u64)((0xff00u >> follow) & 0xff) << (8 * follow);
  *(u64*)at = __builtin_bswap64(marked << (56 - 8 * follow));
  return at + follow + 1;
}

static inline u8* put_int(u8* at, i64 value) { return put_uint(at, ((u64)value << 1) ^ (u64)(value >> 63)); }

static inline int uint_length(u64 value) { return value < 0x80 ? 1 : bytes_after_first(value) + 1; }

static inline void copy(u8* to, const u8* from, u64 length) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

/* Stores up to 7 bytes more than `length`, and reads as many more. */
static inline u8* put_head(u8* at, const u8* from, u64 length) {
  for (u64 i = 0; i < length; i += 8) *(u64*)(at + i) = *(const u64*)(from + i);
  return at + length;
}

static inline u8* put_bytes(u8* at, u64 addr, u64 length) {
  at = put_uint(at, length);
  if (length <= 16)
    for (u64 i = 0; i < length; i++) at[i] = ((const u8*)addr)[i];
  else
    copy(at, (const u8*)addr, length);
  return at + length;
}

/* A `data` frame. */
static u8* put_data(u8* at, i64 delta, int arg, u64 size, u64 addr, u64 length) {
  u8 head[40];
  u8* end = put_int(head, delta);
  end = put_int(end, arg);
  end = put_uint(end, size);
  const u64 fixed = (u64)(end - head);
  *at++ = CODE_DATA;
  at = put_uint(at, fixed + (u64)uint_length(length) + length);
  return put_bytes(put_head(at, head, fixed), addr, length);
}
