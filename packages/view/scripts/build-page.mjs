// Puts the page beside the compiled server: dist/page/{index.html,app.js,app.css}.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(home, 'dist', 'page');
mkdirSync(page, { recursive: true });
const { warnings } = await build({
  entryPoints: [join(home, 'web', 'main.ts')],
  outfile: join(page, 'app.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  tsconfig: join(home, 'web', 'tsconfig.json'),
  logLevel: 'warning',
});
if (warnings.length > 0) process.exit(1);
for (const name of ['index.html', 'app.css'])
  copyFileSync(join(home, 'web', name), join(page, name));
