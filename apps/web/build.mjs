/** @file Bundles the status page into `dist/public`: one HTML file, one script, one style sheet, nothing from elsewhere. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'dist', 'public');

export async function build() {
  const inputs = [
    'build.mjs',
    'public/index.html',
    'public/style.css',
    'src/page.ts',
    'src/chart.ts',
    'src/tables.ts',
    'src/format.ts',
    'src/dom.ts',
    'src/liveStatus.ts',
  ];
  const newest = Math.max(...inputs.map((file) => statSync(join(here, file)).mtimeMs));
  const script = join(out, 'page.js');
  if (existsSync(script) && statSync(script).mtimeMs >= newest) return;
  mkdirSync(out, { recursive: true });
  await bundle({
    entryPoints: [join(here, 'src', 'page.ts')],
    outfile: script,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
  const plotStyle = readFileSync(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8');
  writeFileSync(
    join(out, 'style.css'),
    `${plotStyle}\n${readFileSync(join(here, 'public', 'style.css'), 'utf8')}`,
  );
  copyFileSync(join(here, 'public', 'index.html'), join(out, 'index.html'));
}
