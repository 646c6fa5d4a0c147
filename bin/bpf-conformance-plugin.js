#!/usr/bin/env node
import { runConformancePlugin } from '../dist/src/cli/index.js';

process.exitCode = await runConformancePlugin(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
