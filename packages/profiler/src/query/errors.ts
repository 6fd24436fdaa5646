/** A question that makes no sense: an unknown name, a pattern that is none. The message is one line for people. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code = 'QUERY_INVALID';
}
