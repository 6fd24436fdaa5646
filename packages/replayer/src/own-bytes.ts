/** A copy whose bytes are its own: a view sent to another thread takes the whole chunk behind it along. */
export function withOwnBytes<T>(value: T): T {
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  if (Array.isArray(value)) return value.map(withOwnBytes) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withOwnBytes<unknown>(field)]),
  ) as T;
}
