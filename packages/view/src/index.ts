/** Shows a log as a picture. */
export { view, type View, type ViewOptions } from './server/serve.js';
export { htmlPage, type HtmlOptions, type HtmlPage } from './export/html.js';
export { LogSource, type LogSourceOptions } from './log/log-source.js';
export { indexLog, LogIndex, type IndexOptions } from './log/log-index.js';
export { BlockFile } from './log/block-file.js';
export { SearchError } from './model/search-query.js';
export { AggregateTable, type AggregateColumns } from './model/aggregate.js';
export { CATEGORIES, type CategoryId } from './model/categories.js';
export type * from './model/facts.js';
export type * from './model/source.js';
