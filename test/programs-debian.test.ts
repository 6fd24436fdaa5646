import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, program } from './programs/driver.js';

// Programs that nobody had in mind when the recorder was written: whatever Debian has.

const CMAKE = `cmake_minimum_required(VERSION 3.1)
project(p C)
add_library(l SHARED l.c)
add_executable(p p.c)
target_link_libraries(p l)
`;

const RUBY = `
queue = Queue.new
4.times.map { Thread.new { 100.times { queue << rand }; sleep 0.01 } }.each(&:join)
puts queue.size
reader, writer = IO.pipe
pid = fork { writer.puts Process.pid; exit! 3 }
Process.wait pid
puts $?.exitstatus, reader.gets
server = TCPServer.new("127.0.0.1", 0)
thread = Thread.new { client = server.accept; client.puts Time.now.to_f; client.close }
puts TCPSocket.new("127.0.0.1", server.addr[1]).read
thread.join
GC.start
puts %x(echo sub), Object.new.inspect
`;

const PHP = `
$numbers = []; for ($i = 0; $i < 5000; $i++) $numbers[] = random_int(0, 1000);
sort($numbers); echo array_sum($numbers), "\\n", date("c"), "\\n";
$process = proc_open(["tr", "a-z", "A-Z"], [["pipe", "r"], ["pipe", "w"]], $pipes);
fwrite($pipes[0], "hello\\n"); fclose($pipes[0]); echo stream_get_contents($pipes[1]); proc_close($process);
file_put_contents("x", str_repeat("y", 100000)); echo md5_file("x"), getmypid(), uniqid(), "\\n";
usleep(1000); echo hash("sha256", random_bytes(100)), "\\n";
`;

const LUA = `
local numbers = {} for i = 1, 20000 do numbers[i] = math.random() end table.sort(numbers)
local next = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i) end end)
print(next(), next(), os.time(), os.clock(), {})
local pipe = io.popen("ls / | wc -l") print(pipe:read("a")) pipe:close()
`;

const sh = (script: string): readonly string[] => ['sh', '-c', script];

const PROGRAMS: Readonly<Record<string, Program>> = {
  'gawk with a sort behind a pipe': {
    needs: ['gawk'],
    command: [
      'gawk',
      'BEGIN { srand(); for (i = 0; i < 2000; i++) a[i % 97] += rand(); n = asort(a); c = "sort -n | tail -1"; ' +
        'for (i = 1; i <= n; i++) print a[i] | c; close(c); "date" | getline d; print d, PROCINFO["pid"] }',
    ],
  },
  'busybox as a shell and all its tools': {
    needs: ['busybox'],
    command: [
      ...['busybox', 'sh', '-c'],
      'for i in 1 2 3; do echo $i | busybox md5sum; done; busybox seq 1000 | busybox awk "{ s += \\$1 } END { print s }"; ' +
        'busybox dd if=/dev/urandom bs=1k count=10 2>/dev/null | busybox sha1sum',
    ],
  },
  'bc to 300 digits': {
    needs: ['bc'],
    command: sh('echo "scale=300; 4*a(1)" | bc -l'),
  },
  'cmake and ninja building a library': {
    needs: ['cmake', 'ninja', 'gcc'],
    prepare: ({ path }) => {
      writeFileSync(join(path, 'CMakeLists.txt'), CMAKE);
      writeFileSync(join(path, 'p.c'), 'int f(void); int main(void) { return f() - 42; }\n');
      writeFileSync(join(path, 'l.c'), 'int f(void) { return 42; }\n');
      mkdirSync(join(path, 'b'));
    },
    command: sh('cd b && cmake -G Ninja .. && ninja && ./p && echo built'),
    expect: (t, { stdout }) => t.regex(stdout, /\nbuilt\n$/),
  },
  'fish with functions and jobs': {
    needs: ['fish'],
    prepare: ({ path }) => mkdirSync(join(path, 'home')),
    command: [
      ...['env', 'HOME=home', 'fish', '--no-config', '-c'],
      'for i in (seq 5); echo $i (random); end; date +%s; echo a b c | string split " " | sort -r; ' +
        'sleep 0.05 &; wait; function f; echo fn $argv; end; f z; math 2^20',
    ],
    expect: (t, { stdout }) => t.regex(stdout, /fn z\n1048576\n$/),
  },
  'gpg with its agent': {
    needs: ['gpg', 'gpgconf', 'gpg-agent'],
    command: sh(
      'export GNUPGHOME=$PWD/g; mkdir -m 700 g; ' +
        'gpg --batch --quiet --pinentry-mode loopback --passphrase "" --quick-generate-key a@example.org ed25519 sign 2>g/err; ' +
        'echo text | gpg --batch --clearsign >s && gpg --verify s 2>&1 | grep -c Good; gpgconf --kill all',
    ),
    expect: (t, { stdout }) => t.is(stdout, '1\n'),
  },
  'jq grouping a thousand numbers': {
    needs: ['jq'],
    command: sh('seq 1 1000 | jq -sc "group_by(. % 7) | map(length)"; jq -n now'),
  },
  'lua with coroutines and a pipe': { needs: ['lua5.4'], command: ['lua5.4', '-e', LUA] },
  'm4 with commands of the shell': {
    needs: ['m4'],
    prepare: ({ path }) =>
      writeFileSync(
        join(path, 'in.m4'),
        "define(`f', `ifelse($1, 0, 1, `eval($1 * f(decr($1)))')')f(10)\nsyscmd(date)esyscmd(`id -u')",
      ),
    command: ['m4', 'in.m4'],
    expect: (t, { stdout }) => t.true(stdout.startsWith('3628800\n')),
  },
  'php with a child and random numbers': { needs: ['php'], command: ['php', '-n', '-r', PHP] },
  'rsync of a tree, three processes': {
    needs: ['rsync'],
    prepare: ({ path }) => {
      for (let i = 0; i < 100; i++) {
        mkdirSync(join(path, `a/${i % 10}`), { recursive: true });
        writeFileSync(join(path, `a/${i % 10}/${i}`), `${i}`.repeat(i * 20));
      }
    },
    command: sh(
      'rsync -a a/ b; echo x >>a/3/33; rsync -aci --delete a/ b; diff -r a b && echo same',
    ),
    expect: (t, { stdout }) => t.regex(stdout, /33\nsame\n$/),
  },
  'ruby with threads, fork and sockets': {
    needs: ['ruby'],
    command: ['ruby', '-rsocket', '-e', RUBY],
  },
  'socat between a socket and a pseudo-terminal': {
    needs: ['socat'],
    command: ({ port }) =>
      sh(
        `socat TCP-LISTEN:${port},reuseaddr EXEC:rev & ` +
          `until echo hello | socat - TCP:127.0.0.1:${port} 2>/dev/null; do sleep 0.05; done; wait; ` +
          'echo tty | socat -t1 - "EXEC:sh -c tty,pty,stderr"',
      ),
    expect: (t, { stdout }) => t.regex(stdout, /^olleh\n(tty\r\n)?\/dev\/pts\/\d+/),
  },
  'ssh-keygen and an agent': {
    needs: ['ssh-keygen', 'ssh-agent', 'ssh-add'],
    command: sh(
      'ssh-keygen -q -t ed25519 -N "" -f k; ssh-keygen -lf k.pub; ssh-keygen -q -t rsa -b 2048 -N secret -f r; ' +
        'ssh-keygen -y -P secret -f r; ssh-agent sh -c "ssh-add k 2>&1; ssh-add -l"',
    ),
  },
  'tmux, a server with a terminal in it': {
    needs: ['tmux'],
    command: sh(
      'T="tmux -S $PWD/s -f /dev/null"; $T new-session -d -x 80 -y 24 cat; $T send-keys "typed text" Enter; ' +
        'until $T capture-pane -p | grep -c typed | grep -q 2; do sleep 0.05; done; $T capture-pane -p | head -2; ' +
        '$T kill-server; echo done',
    ),
    expect: (t, { stdout }) => t.is(stdout, 'typed text\ntyped text\ndone\n'),
  },
  'zip and unzip of a tree': {
    needs: ['zip', 'unzip'],
    prepare: ({ path }) => {
      mkdirSync(join(path, 'a'));
      for (let i = 0; i < 50; i++) writeFileSync(join(path, `a/${i}`), `${i}`.repeat(i * 100));
    },
    command: sh('zip -qr z.zip a && unzip -tq z.zip && rm -r a && unzip -q z.zip && ls a | wc -l'),
    expect: (t, { stdout }) => t.regex(stdout, /\n50\n$/),
  },
  'zsh with its own modules': {
    needs: ['zsh'],
    command: [
      ...['zsh', '-fc'],
      'zmodload zsh/datetime; echo $EPOCHREALTIME $RANDOM; for f in /etc/*(.om[1,3]); do echo $f; done; ' +
        'sleep 0.05 & wait; print -l {1..5} | sort -r | head -1; cat =(echo temporary); (exit 3) || echo $?',
    ],
    expect: (t, { stdout }) => t.regex(stdout, /\n5\ntemporary\n3\n$/),
  },
};

for (const [title, made] of Object.entries(PROGRAMS)) program(title, made);
