import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no C program can be compiled and run for this machine, or undefined if one can. */
export function noCompiler(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not x86-64 Linux';
  return spawnSync('gcc', ['--version']).status === 0 ? undefined : 'no gcc';
}

/** Compiles a C program with gcc, runs it and returns what it prints. Throws what either says if it fails. */
export function runC(source: string, flags: readonly string[] = []): string {
  const dir = mkdtempSync(join(tmpdir(), 'tracelog-c-'));
  try {
    const file = join(dir, 'program.c');
    const program = join(dir, 'program');
    writeFileSync(file, source);
    execFileSync('gcc', ['-w', '-o', program, file, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return execFileSync(program, [], {
      cwd: dir,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
