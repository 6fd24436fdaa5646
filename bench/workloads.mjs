// What `npm run bench` measures. A workload's `setup` makes its files in a directory of its own and returns what to run:
//   argv             the command
//   before()         puts the directory back to where a run begins; not timed
//   drive(program)   for servers: uses the server and has it end; timed. A replay needs no driver. It may return the
//                    milliseconds that count instead
//   isRate           what drive returns is without the program's start
// or a string: why it can't run here. `modes`: those it is run in, if not all.
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const programs = fileURLToPath(new URL('programs', import.meta.url));

/** Path of a program, undefined if it isn't installed. */
function find(name, directories = process.env.PATH.split(delimiter)) {
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function compile(name, directory) {
  const binary = join(directory, name);
  execFileSync('gcc', ['-O2', '-pthread', join(programs, `${name}.c`), '-o', binary]);
  return binary;
}

function remove(...path) {
  rmSync(join(...path), { recursive: true, force: true });
}

/** A tree of `files` files of 0 to 16 KiB, 20 in a directory. */
function makeTree(directory, files) {
  for (let i = 0; i < files; i++) {
    const parent = join(directory, `d${Math.floor(i / 20)}`);
    mkdirSync(parent, { recursive: true });
    const line = `file ${i} of the tree\n`;
    writeFileSync(join(parent, `f${i}.txt`), line.repeat((i * 37) % 800));
  }
  return directory;
}

const QUIET_GIT = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

function makeRepository(directory, commits) {
  mkdirSync(directory);
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=b', '-c', 'user.email=b@example.org', ...args], {
      cwd: directory,
      env: { ...process.env, ...QUIET_GIT },
    });
  git('init', '-q');
  for (let i = 0; i < commits; i++) {
    makeTree(join(directory, `part${i}`), 40);
    git('add', '.');
    git('commit', '-q', '-m', `commit ${i}`);
  }
  return directory;
}

/** A Makefile and `count` C files that it links to one program. */
function makeSources(directory, count) {
  mkdirSync(directory);
  const names = Array.from({ length: count }, (_, i) => `unit${i}`);
  for (const [i, name] of names.entries()) {
    const body = `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint ${name}(int n) {\n  char text[64];\n  snprintf(text, sizeof text, "%d", n);\n  return (int)strlen(text) + ${i};\n}\n`;
    writeFileSync(join(directory, `${name}.c`), body);
  }
  const calls = names.map((name) => `${name}(1)`).join(' + ');
  const declarations = names.map((name) => `int ${name}(int);`).join('\n');
  writeFileSync(
    join(directory, 'main.c'),
    `${declarations}\nint main(void) { return (${calls}) == 0; }\n`,
  );
  const objects = [...names, 'main'].map((name) => `${name}.o`).join(' ');
  writeFileSync(
    join(directory, 'Makefile'),
    `program: ${objects}\n\tgcc -o program ${objects}\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n`,
  );
  return directory;
}

async function waitForPort(path, program) {
  while (program.exitCode === null && program.signalCode === null) {
    const open = await new Promise((resolve) => {
      const socket = connect(path, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(2);
  }
  throw new Error('the server ended before it could be used');
}

function finished(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a client ended with ${code}`)),
    );
  });
}

/** The requests in a second that wrk tells of. */
async function requestRate(client) {
  let output = '';
  client.stdout.on('data', (text) => (output += text));
  await finished(client);
  const rate = /^Requests\/sec: +([\d.]+)$/m.exec(output);
  if (rate === null || /Non-2xx|Socket errors/.test(output)) throw new Error(`wrk: ${output}`);
  return Number(rate[1]);
}

/** The milliseconds that `count` requests of each kind took by the rates that redis-benchmark tells. */
async function requestTime(client, count) {
  let output = '';
  client.stdout.on('data', (text) => (output += text));
  await finished(client);
  const rates = [...output.matchAll(/^"[A-Z]+","([\d.]+)"/gm)].map(([, rate]) => Number(rate));
  if (rates.length !== 2) throw new Error(`redis-benchmark: ${output}`);
  return rates.reduce((ms, rate) => ms + (count / rate) * 1000, 0);
}

/** redis-server under so many SET and so many GET of redis-benchmark, for which `use` waits. */
function redis(full, use, isRate = false) {
  return ({ directory, quick }) => {
    const server = find('redis-server');
    const client = find('redis-benchmark');
    if (server === undefined || client === undefined) return 'redis is not installed';
    const socket = join(directory, 'socket');
    const count = quick ? full / 10 : full;
    const files = ['--save', '', '--appendonly', 'no', '--dir', directory];
    return {
      argv: [server, '--port', '0', '--unixsocket', socket, ...files],
      isRate,
      before: () => remove(socket),
      async drive(program) {
        await waitForPort(socket, program);
        const requests = ['-s', socket, '-n', String(count), '-t', 'set,get', '--csv'];
        const stdio = ['ignore', 'pipe', 'ignore'];
        const time = await use(spawn(client, requests, { stdio }), count);
        // The server closes the connection instead of answering.
        spawn('redis-cli', ['-s', socket, 'shutdown', 'nosave'], { stdio: 'ignore' });
        return time;
      },
    };
  };
}

/** A server in the foreground that has all its files in `directory`. */
function nginxConfig(directory, port) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `  ${name}_temp_path ${directory}/temp-${name};`);
  const user = process.getuid() === 0 ? 'user root;' : '';
  return `daemon off;
worker_processes 1;
${user}
pid ${directory}/nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
${paths.join('\n')}
  server {
    listen 127.0.0.1:${port};
    root ${directory};
  }
}
`;
}

/** A program of bench/programs with a count as its argument. */
function counted(name, count, quickCount) {
  return ({ directory, quick }) => ({
    argv: [compile(name, directory), String(quick ? quickCount : count)],
  });
}

/** For workloads of so many calls that each mode that stops at every one would take minutes. */
const WITH_AGENT = ['native', 'record', 'replay'];

export const workloads = [
  {
    name: 'true',
    what: 'a program that does nothing: the start of the tracer itself',
    setup: () => ({ argv: [find('true')] }),
  },
  {
    name: 'date',
    what: 'a small program, for the size of its log',
    setup: () => ({ argv: [find('date')] }),
  },
  {
    name: 'read-zero',
    what: '100,000 reads of one byte of /dev/zero',
    setup: counted('read-zero', 100_000, 10_000),
  },
  {
    name: 'getppid',
    what: '100,000 calls of getppid',
    setup: counted('getppid', 100_000, 10_000),
  },
  {
    name: 'reads-1m',
    what: '1,000,000 reads of one byte of /dev/zero',
    modes: WITH_AGENT,
    setup: counted('read-zero', 1_000_000, 100_000),
  },
  {
    name: 'getppid-1m',
    what: '1,000,000 calls of getppid',
    modes: WITH_AGENT,
    setup: counted('getppid', 1_000_000, 100_000),
  },
  {
    name: 'clock-10m',
    what: '10,000,000 calls of clock_gettime, which alone make no system call',
    modes: WITH_AGENT,
    setup: counted('clock', 10_000_000, 1_000_000),
  },
  {
    name: 'mutex',
    what: '4 threads, one mutex, 50,000 turns each',
    setup: counted('mutex', 50_000, 5000),
  },
  {
    name: 'compute',
    what: '4 threads on one CPU that compute without a system call',
    setup: counted('compute', 400_000_000, 40_000_000),
  },
  {
    name: 'alarms',
    what: 'a loop that computes while SIGALRM comes every millisecond',
    setup: counted('alarms', 3_500_000_000, 70_000_000),
  },
  {
    name: 'cp',
    what: 'cp -r of 2,000 files',
    setup({ directory, quick }) {
      const tree = makeTree(join(directory, 'tree'), quick ? 200 : 2000);
      const copy = join(directory, 'copy');
      return { argv: [find('cp'), '-r', tree, copy], before: () => remove(copy) };
    },
  },
  {
    name: 'find',
    what: 'find over 50,000 files, their sizes printed',
    setup({ directory, quick }) {
      const tree = makeTree(join(directory, 'tree'), quick ? 5000 : 50_000);
      return { argv: [find('find'), tree, '-type', 'f', '-size', '+2k', '-printf', '%p %s\n'] };
    },
  },
  {
    name: 'tar',
    what: 'tar of 10,000 files, 77 MB',
    setup({ directory, quick }) {
      const tree = makeTree(join(directory, 'tree'), quick ? 1000 : 10_000);
      return {
        argv: [
          find('tar'),
          '-cf',
          join(directory, 'tree.tar'),
          '-C',
          directory,
          tree.slice(directory.length + 1),
        ],
      };
    },
  },
  {
    name: 'git-clone',
    what: 'git clone --no-local of a repository of 30 commits and 1,200 files',
    setup({ directory, quick }) {
      const git = find('git');
      if (git === undefined) return 'git is not installed';
      const repository = makeRepository(join(directory, 'repository'), quick ? 3 : 30);
      const clone = join(directory, 'clone');
      return {
        argv: [git, 'clone', '-q', '--no-local', repository, clone],
        env: QUIET_GIT,
        before: () => remove(clone),
      };
    },
  },
  {
    name: 'make',
    what: 'make -j2 of 100 C files',
    setup({ directory, quick }) {
      if (find('make') === undefined) return 'make is not installed';
      const pristine = makeSources(join(directory, 'pristine'), quick ? 10 : 100);
      const work = join(directory, 'work');
      return {
        argv: [find('make'), '-s', '-j2', '-C', work],
        before() {
          remove(work);
          cpSync(pristine, work, { recursive: true });
        },
      };
    },
  },
  {
    name: 'python',
    what: 'start of python3 with five modules of its library',
    setup() {
      // Not a script in its place that chooses a version, by dozens of processes.
      const python = find('python3', ['/usr/bin']) ?? find('python3');
      if (python === undefined) return 'python3 is not installed';
      return { argv: [python, '-c', 'import json, re, subprocess, asyncio, sqlite3'] };
    },
  },
  {
    name: 'node',
    what: 'start of node',
    setup: () => ({ argv: [process.execPath, '-e', '0'] }),
  },
  {
    name: 'sqlite',
    what: 'sqlite3: 20,000 inserts, a transaction each, synchronous off',
    setup({ directory, quick }) {
      const sqlite = find('sqlite3');
      if (sqlite === undefined) return 'sqlite3 is not installed';
      const script = join(directory, 'script.sql');
      const count = quick ? 2000 : 20_000;
      const inserts = Array.from(
        { length: count },
        (_, i) => `INSERT INTO t VALUES(${i}, 'row ${i}');`,
      );
      writeFileSync(
        script,
        `PRAGMA synchronous=OFF;\nCREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);\n${inserts.join('\n')}\nSELECT count(*) FROM t;\n`,
      );
      const database = join(directory, 'database');
      return {
        argv: [sqlite, '-init', '/dev/null', '-batch', database, `.read ${script}`],
        before() {
          remove(database);
          remove(`${database}-journal`);
        },
      };
    },
  },
  {
    name: 'redis',
    what: 'redis-server under redis-benchmark: 20,000 SET and 20,000 GET of 50 clients, not pipelined',
    setup: redis(20_000, finished),
  },
  {
    name: 'redis-rate',
    what: 'the same, 60,000 of each: the time of the requests alone, as redis-benchmark counts them',
    // A replay answers nobody.
    modes: ['native', 'strace', 'record', 'traced'],
    setup: redis(60_000, requestTime, true),
  },
  {
    name: 'nginx',
    what: 'nginx with one worker under wrk, 16 connections: the time of 10,000 requests for a file of 1 KiB',
    // A replay answers nobody.
    modes: ['native', 'strace', 'record', 'traced'],
    setup({ directory, quick }) {
      const server = find('nginx', ['/usr/sbin', ...process.env.PATH.split(delimiter)]);
      const client = find('wrk');
      if (server === undefined || client === undefined) return 'nginx or wrk is not installed';
      const port = 20_000 + (process.pid % 10_000);
      const config = join(directory, 'nginx.conf');
      writeFileSync(config, nginxConfig(directory, port));
      writeFileSync(join(directory, 'file'), 'x'.repeat(1024));
      const invocation = [
        server,
        '-p',
        directory,
        '-e',
        join(directory, 'nginx-errors'),
        '-c',
        config,
      ];
      return {
        argv: invocation,
        isRate: true,
        async drive(program) {
          await waitForPort(port, program);
          const seconds = quick ? '1s' : '4s';
          const url = `http://127.0.0.1:${port}/file`;
          const rate = await requestRate(
            spawn(client, ['-t', '1', '-c', '16', '-d', seconds, url]),
          );
          spawn(server, [...invocation.slice(1), '-s', 'quit'], { stdio: 'ignore' });
          return (10_000 / rate) * 1000;
        },
      };
    },
  },
];
