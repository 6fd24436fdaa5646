#!/usr/bin/env node
import { main } from '../dist/bin/profiler.js';

process.exitCode = await main(process.argv.slice(2));
