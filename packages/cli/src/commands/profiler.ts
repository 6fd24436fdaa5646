import { type CommandSpec, wholeNumber } from '../argv.js';
import type { Command } from '../command.js';
import { ExitCode } from '../exit-codes.js';

const spec: CommandSpec = {
  name: 'profiler',
  summary: 'Prints what a recorded program did: its system calls, signals, and their details.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '-p, --pid <pid>',
      description:
        'only this task: its number in the log, thread id or process id; may be repeated',
      group: 'Selection',
    },
    {
      flags: '-r, --raw',
      description: 'every frame of the log with all its fields, a line each',
      group: 'Form',
    },
    {
      flags: '-o, --offsets',
      description: 'put the offset in the file before each line',
      group: 'Form',
    },
  ],
  examples: ['profiler date.log | grep Mon -B3', 'profiler -p 2 -p 3 make.log'],
};

export const profiler: Command = {
  spec,

  async run(args, { deps, output, about }) {
    const log = args.positionals[0]!;
    about.log = log;
    const pids = args.values('pid').map((pid) => wholeNumber('-p', pid, 0));
    const { openLog } = await deps.tracelog();
    const { LineFormatter } = await deps.profiler();
    using reader = openLog(log);
    const formatter = new LineFormatter({
      form: args.flag('raw') ? 'raw' : 'scribe',
      offsets: args.flag('offsets'),
      ...(pids.length === 0 ? {} : { tasks: pids }),
    });
    const lines: string[] = [];
    const print = (): void => {
      for (const line of lines) output.line(line);
      lines.length = 0;
    };
    for (const record of reader.records()) {
      formatter.push(record, lines);
      print();
    }
    formatter.end(lines);
    print();
    output.flush();
    return ExitCode.Ok;
  },
};
